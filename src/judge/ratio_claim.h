#pragma once
// Claim B and its opposite, on errors alone (Lindon and Malek, arXiv 2011.03567).
//
// Let the canary get the share w of the units and err r times as often as the stable release. Then
// the next error, on whichever arm, falls on the canary with probability theta(r) = w r / (w r + 1
// - w). How many errors there are does not matter, so time of day and incidents that hit both arms
// cancel.
// - worse: null r <= r0, bets on larger r. Proven: the canary is worse than r0 times stable.
// - not worse: null r >= r0, bets on smaller r. Proven: it is not r0 times as bad.
// Each error multiplies component j by theta(r_j)/theta(r0), or by (1 - theta(r_j))/(1 - theta(r0))
// when it fell on the stable arm; on the null's side of r0 the mean is at most one. w is the weight
// at the unit's assignment and may change from error to error.

#include <array>
#include <cstdint>

#include "judge/e_process.h"

namespace ecluse::judge {

enum class Arm { kStable, kCanary };
enum class Direction { kWorse, kNotWorse };

class RatioClaim {
 public:
  RatioClaim(Direction direction, double ratio);

  /// One error that fell on `arm` while the canary's weight was `weight`; a weight of 0 or 1
  /// compares nothing and is ignored.
  void add(Arm arm, double weight);
  double value() const { return evidence_.value(); }
  /// Errors that entered, of them on the canary.
  std::uint64_t errors() const { return errors_; }
  std::uint64_t canary_errors() const { return canary_errors_; }

  template <typename Visit>
  void each_number(Visit&& visit) {
    evidence_.each_number(visit);
    visit(errors_);
    visit(canary_errors_);
  }

 private:
  static constexpr std::size_t kRatios = 8;
  EProcess<kRatios> evidence_;
  std::array<double, kRatios> ratios_{};
  double ratio_;
  std::uint64_t errors_ = 0;
  std::uint64_t canary_errors_ = 0;
};

}  // namespace ecluse::judge
