#include "judge/ratio_claim.h"

#include <cassert>

namespace ecluse::judge {

namespace {
// Three times is what the smallest fault that matters looks like, so most of the stake is there.
constexpr std::array<double, 8> kWorseTimes = {1.3, 1.7, 2.3, 3, 4.5, 9, 25, 1000};
constexpr std::array<double, 8> kWorseShares = {0.02, 0.03, 0.12, 0.34, 0.16, 0.18, 0.08, 0.07};
// Of the ratio to be disproved (3): a canary as good as stable is a third of it.
constexpr std::array<double, 8> kNotWorseTimes = {0.75, 0.6, 0.45, 0.33, 0.2, 0.1, 0.03, 0.005};
constexpr std::array<double, 8> kNotWorseShares = {0.02, 0.06, 0.14, 0.44, 0.14, 0.08, 0.06, 0.06};

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
  errors_ += 1;
  canary_errors_ += arm == Arm::kCanary ? 1 : 0;
  const double at_null = share_of_errors(weight, ratio_);
  evidence_.bet([&](std::size_t j) {
    const double at_bet = share_of_errors(weight, ratios_[j]);
    return arm == Arm::kCanary ? at_bet / at_null : (1 - at_bet) / (1 - at_null);
  });
}

}  // namespace ecluse::judge
