#include "judge/split_claim.h"

namespace ecluse::judge {

namespace {
// Times the announced odds of falling on the canary: both too few and too many.
constexpr std::array<double, 6> kOddsTimes = {0.1, 0.5, 0.8, 1.25, 2, 10};
constexpr std::array<double, 6> kShares = {0.16, 0.17, 0.17, 0.17, 0.17, 0.16};
}  // namespace

SplitClaim::SplitClaim() : evidence_(kShares) {}

void SplitClaim::set_factors(double weight) {
  weight_ = weight;
  for (std::size_t j = 0; j < kOdds; ++j) {
    const double odds = weight / (1 - weight) * kOddsTimes[j];
    const double share = odds / (1 + odds);
    factors_.canary[j] = share / weight;
    factors_.stable[j] = (1 - share) / (1 - weight);
  }
}

void SplitClaim::add(Arm arm, double weight) {
  if (weight <= 0 || weight >= 1) return;
  if (weight != weight_) set_factors(weight);
  const auto& factors = arm == Arm::kCanary ? factors_.canary : factors_.stable;
  evidence_.bet([&](std::size_t j) { return factors[j]; });
  doubted_ = value() >= kDoubt;
  if (value() >= kAlarm) alarmed_ = 1;
}

}  // namespace ecluse::judge
