#include "judge/ratio_claim.h"

#include <cassert>

namespace ecluse::judge {

namespace {
constexpr std::array<double, 6> kWorseTimes = {1.7, 2.6, 4, 9, 30, 1000};
constexpr std::array<double, 6> kWorseShares = {0.06, 0.24, 0.24, 0.20, 0.13, 0.13};
// Of the ratio to be disproved (3): a canary as good as stable is a third of it.
constexpr std::array<double, 6> kNotWorseTimes = {0.6, 0.45, 0.33, 0.2, 0.08, 0.005};
constexpr std::array<double, 6> kNotWorseShares = {0.06, 0.14, 0.46, 0.16, 0.10, 0.08};

double share_of_errors(double weight, double ratio) {
  return weight * ratio / (weight * ratio + 1 - weight);
}
}  // namespace

RatioClaim::RatioClaim(Direction direction, double ratio)
    : evidence_(direction == Direction::kWorse ? kWorseShares : kNotWorseShares), ratio_(ratio) {
  assert(ratio > 0);
  const auto& times = direction == Direction::kWorse ? kWorseTimes : kNotWorseTimes;
  for (std::size_t j = 0; j < kRatios; ++j) ratios_[j] = ratio * times[j];
}

void RatioClaim::add(Arm arm, double weight) {
  if (weight <= 0 || weight >= 1) return;
  const double at_null = share_of_errors(weight, ratio_);
  evidence_.bet([&](std::size_t j) {
    const double at_bet = share_of_errors(weight, ratios_[j]);
    return arm == Arm::kCanary ? at_bet / at_null : (1 - at_bet) / (1 - at_null);
  });
}

}  // namespace ecluse::judge
