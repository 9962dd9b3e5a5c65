#pragma once
// Claim A: "more than p0 of the canary's units are bad", against the null that at most p0 are.
//
// A mixture sequential probability ratio test (Johari, Pekelis, Walsh, arXiv 1512.04922): component
// j bets on the rate q_j > p0, and a unit multiplies its wealth by q_j/p0 when bad, else by (1 -
// q_j)/(1 - p0). Under any p <= p0 that factor's mean is at most one. "p95 > 2s" is the claim that
// more than 5 % of requests take over 2 s: the same test, no histogram needed.

#include <array>
#include <cstdint>

#include "judge/e_process.h"

namespace ecluse::judge {

class ShareClaim {
 public:
  /// `share_max` is p0, in (0, 1).
  explicit ShareClaim(double share_max);

  void add(bool bad);
  double value() const { return evidence_.value(); }
  std::uint64_t units() const { return units_; }
  std::uint64_t bad() const { return bad_; }

  template <typename Visit>
  void each_number(Visit&& visit) {
    evidence_.each_number(visit);
    visit(units_);
    visit(bad_);
  }

 private:
  static constexpr std::size_t kRates = 10;
  EProcess<kRates> evidence_;
  std::array<double, kRates> bad_factor_{};
  std::array<double, kRates> good_factor_{};
  std::uint64_t units_ = 0;
  std::uint64_t bad_ = 0;
};

}  // namespace ecluse::judge
