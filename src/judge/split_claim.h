#pragma once
// The sample-ratio guard: "units are not assigned by the announced weight". Whether the canary is
// good cannot be learnt from arms that are filled by something else than chance.
//
// Two thresholds. While the evidence is above kDoubt the comparison that trusts the weight keeps
// silent; once it reached kAlarm that stays so, and nothing is promoted any more.

#include <array>
#include <cstdint>

#include "judge/e_process.h"
#include "judge/ratio_claim.h"

namespace ecluse::judge {

class SplitClaim {
 public:
  static constexpr double kDoubt = 20;
  /// A wrong alarm silences the relative tests for good, so it must be rarer than anything they
  /// claim.
  static constexpr double kAlarm = 10'000;

  SplitClaim();

  void add(Arm arm, double weight);
  double value() const { return evidence_.value(); }
  bool alarmed() const { return alarmed_ != 0; }
  bool trusted() const { return !alarmed() && !doubted_; }

  template <typename Visit>
  void each_number(Visit&& visit) {
    evidence_.each_number(visit);
    visit(alarmed_);
    doubted_ = value() >= kDoubt;
  }

 private:
  static constexpr std::size_t kOdds = 6;
  struct Factors {
    std::array<double, kOdds> canary{}, stable{};
  };
  void set_factors(double weight);

  EProcess<kOdds> evidence_;
  Factors factors_;
  double weight_ = -1;  ///< that `factors_` are for
  std::uint64_t alarmed_ = 0;
  bool doubted_ = false;
};

}  // namespace ecluse::judge
