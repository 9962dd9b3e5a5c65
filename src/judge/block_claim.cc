#include "judge/block_claim.h"

#include <cmath>

namespace ecluse::judge {

namespace {
struct Pair {
  double stable, canary;
};
constexpr std::array<Pair, 9> kRatePairs = {{{0.001, 0.01},
                                             {0.001, 0.1},
                                             {0.001, 0.6},
                                             {0.01, 0.03},
                                             {0.01, 0.1},
                                             {0.01, 0.6},
                                             {0.05, 0.15},
                                             {0.05, 0.5},
                                             {0.2, 0.6}}};
constexpr std::array<double, 9> kShares = {0.08, 0.12, 0.16, 0.14, 0.16, 0.12, 0.10, 0.08, 0.04};
}  // namespace

BlockClaim::BlockClaim() : evidence_(kShares) {}

BlockClaim::Factors BlockClaim::factors_of(std::size_t pair, std::uint32_t stable_units) {
  const auto [stable, canary] = kRatePairs[pair];
  const double pooled = (canary + stable_units * stable) / (1 + stable_units);
  return {std::log(canary / pooled), std::log((1 - canary) / (1 - pooled)),
          std::log(stable / pooled), std::log((1 - stable) / (1 - pooled))};
}

void BlockClaim::add(Arm arm, bool bad) {
  if (arm == Arm::kStable) {
    if (stable_units_ == kStableUnitsMax) return;
    stable_units_ += 1;
    stable_bad_ += bad ? 1 : 0;
    return;
  }
  // The logarithms depend on the block's size alone; they are computed once for all blocks.
  static const auto kTable = [] {
    std::array<std::array<Factors, kPairs>, kStableUnitsMax + 1> table{};
    for (std::uint32_t n = 0; n <= kStableUnitsMax; ++n) {
      for (std::size_t pair = 0; pair < kPairs; ++pair) table[n][pair] = factors_of(pair, n);
    }
    return table;
  }();
  const auto& factors = kTable[stable_units_];
  evidence_.bet([&](std::size_t pair) {
    const Factors& f = factors[pair];
    return std::exp((bad ? f.canary_bad : f.canary_good) + stable_bad_ * f.stable_bad +
                    (stable_units_ - stable_bad_) * f.stable_good);
  });
  stable_units_ = 0;
  stable_bad_ = 0;
}

}  // namespace ecluse::judge
