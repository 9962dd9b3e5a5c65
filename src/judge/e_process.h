#pragma once
// Evidence that may be looked at after every observation, for ever.
//
// An e-process is a non-negative E with E[E at tau] <= 1 under the null hypothesis for every
// stopping time tau, so by Ville's inequality P(E ever reaches 1/alpha) <= alpha. This one is a
// mixture of bets: each component multiplies its wealth by a factor whose expectation under the
// null is at most one (the betting form: Waudby-Smith and Ramdas, arXiv 2010.09686).
//
// A release that was good for an hour and then turns bad must not be shielded by the evidence of
// that hour. So a share of the initial wealth is kept in reserve and staked little by little: over
// the bets from 2^k to 2^(k+1) - 1 the components get kReserve / ((k + 1)(k + 2)), spread evenly.
// Those amounts add up to kReserve. The reserve is part of E, so E stays an e-process; a change at
// bet t costs about log(t log^2 t) more evidence than an early one, instead of all that was earned.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace ecluse::judge {

/// `kComponents` bets with fixed shares of the stake. Not thread-safe; a value, copied freely.
template <std::size_t kComponents>
class EProcess {
 public:
  static constexpr double kReserve = 0.04;
  static constexpr double kWealthMax = 1e300;  ///< beyond any threshold; keeps the sum finite

  /// `shares` are non-negative and add up to one.
  explicit EProcess(const std::array<double, kComponents>& shares) : shares_(shares) {
    for (std::size_t j = 0; j < kComponents; ++j) wealth_[j] = (1 - kReserve) * shares_[j];
  }

  /// Multiplies the wealth of component j by `factor(j)`: non-negative, mean at most one under the
  /// null given everything before.
  template <typename Factor>
  void bet(Factor&& factor) {
    bets_ += 1;
    if (std::has_single_bit(bets_)) spread_over_the_next(bets_);
    reserve_left_ -= stake_;
    for (std::size_t j = 0; j < kComponents; ++j) {
      const double grown = (wealth_[j] + stake_ * shares_[j]) * factor(j);
      wealth_[j] = grown < kWealthMax ? grown : kWealthMax;
    }
  }

  double value() const {
    double sum = reserve_left_;
    for (const double w : wealth_) sum += w;
    return sum;
  }

  /// Every number that changes, to store and restore it. A stored bet count is exact below 2^53.
  template <typename Visit>
  void each_number(Visit&& visit) {
    for (double& w : wealth_) visit(w);
    visit(reserve_left_);
    visit(stake_);
    visit(bets_);
  }

 private:
  void spread_over_the_next(std::uint64_t bets) {
    const double k = std::countr_zero(bets);
    stake_ = kReserve / ((k + 1) * (k + 2) * static_cast<double>(bets));
  }

  std::array<double, kComponents> shares_;
  std::array<double, kComponents> wealth_{};
  double reserve_left_ = kReserve;
  double stake_ = 0;
  std::uint64_t bets_ = 0;
};

}  // namespace ecluse::judge
