#include "judge/block_claim.h"

#include <cmath>

namespace ecluse::judge {

namespace {
struct Pair {
  double stable, canary;
};
constexpr std::size_t kPairCount = 9;
constexpr std::array<Pair, kPairCount> kRatePairs = {{{0.001, 0.01},
                                                      {0.001, 0.1},
                                                      {0.001, 0.6},
                                                      {0.01, 0.03},
                                                      {0.01, 0.1},
                                                      {0.01, 0.6},
                                                      {0.05, 0.15},
                                                      {0.05, 0.5},
                                                      {0.2, 0.6}}};
constexpr std::array<double, kPairCount> kShares = {0.08, 0.12, 0.16, 0.14, 0.16,
                                                    0.12, 0.10, 0.08, 0.04};

/// What a block of n stable units multiplies wealth by while none of those is bad, and what each
/// bad one multiplies it by besides.
struct Factors {
  double canary_bad, canary_good, each_stable_bad;
};
using Row = std::array<Factors, kPairCount>;

Factors factors_of(Pair rates, std::uint32_t stable_units) {
  const auto [stable, canary] = rates;
  const double n = stable_units;
  const double pooled = (canary + n * stable) / (1 + n);
  const double stable_good = (1 - stable) / (1 - pooled);
  const double all_good = std::pow(stable_good, n);
  return {canary / pooled * all_good, (1 - canary) / (1 - pooled) * all_good,
          stable / pooled / stable_good};
}

const Row& row_of(std::uint64_t stable_units) {
  // They depend on the block's size alone, so they are computed once for all blocks.
  static const auto kTable = [] {
    std::array<Row, BlockClaim::kStableUnitsMax + 1> table{};
    for (std::uint32_t n = 0; n < table.size(); ++n) {
      for (std::size_t j = 0; j < kPairCount; ++j) table[n][j] = factors_of(kRatePairs[j], n);
    }
    return table;
  }();
  return kTable[stable_units];
}
}  // namespace

BlockClaim::BlockClaim() : evidence_(kShares) {}

void BlockClaim::close_block(bool canary_bad) {
  const Row& row = row_of(stable_units_);
  const auto bad = static_cast<int>(stable_bad_);
  evidence_.bet([&](std::size_t j) {
    const Factors& f = row[j];
    const double stable = bad == 0 ? 1 : std::pow(f.each_stable_bad, bad);
    return (canary_bad ? f.canary_bad : f.canary_good) * stable;
  });
  stable_units_ = 0;
  stable_bad_ = 0;
}

}  // namespace ecluse::judge
