#include "judge/split_claim.h"

namespace ecluse::judge {

namespace {
// Times the announced odds of falling on the canary: both too few and too many.
constexpr std::array<double, 6> kOddsTimes = {0.1, 0.5, 0.8, 1.25, 2, 10};
constexpr std::array<double, 6> kShares = {0.16, 0.17, 0.17, 0.17, 0.17, 0.16};
}  // namespace

SplitClaim::SplitClaim() : evidence_(kShares) {}

void SplitClaim::add(Arm arm, double weight) {
  if (weight <= 0 || weight >= 1) return;
  evidence_.bet([&](std::size_t j) {
    const double odds = weight / (1 - weight) * kOddsTimes[j];
    const double share = odds / (1 + odds);
    return arm == Arm::kCanary ? share / weight : (1 - share) / (1 - weight);
  });
  alarmed_ = alarmed_ || evidence_.value() >= kAlarm;
}

}  // namespace ecluse::judge
