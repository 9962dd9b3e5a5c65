#include "gateway/sketch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "base/prng.h"

namespace ecluse::gateway {

namespace {
std::unique_ptr<SketchCell> cell_of(const std::vector<std::uint64_t>& values) {
  auto cell = std::make_unique<SketchCell>();
  for (const std::uint64_t value : values) cell->add(value);
  return cell;
}
}  // namespace

TEST(Sketch, EveryQuantileIsWithinOnePercent) {
  Prng prng(7);
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    // From 20 microseconds to minutes, as latencies are: multiplicative.
    values.push_back(static_cast<std::uint64_t>(20 * std::exp(prng.unit() * 15)));
  }
  Sketch sketch;
  sketch.merge(*cell_of(values));
  std::ranges::sort(values);
  for (const double q : {0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0}) {
    const auto exact = static_cast<double>(values[static_cast<std::size_t>(q * 19'999)]);
    EXPECT_NEAR(sketch.quantile(q), exact, exact * (kSketchError + 1e-9)) << q;
  }
}

TEST(Sketch, MergingIsAdding) {
  Sketch both;
  both.merge(*cell_of({10, 20, 30}));
  both.merge(*cell_of({1'000'000}));
  EXPECT_EQ(both.count(), 4U);
  EXPECT_EQ(both.sum_us(), 1'000'060U);
  EXPECT_EQ(both.count_up_to(100), 3U);
  EXPECT_EQ(both.count_up_to(2e6), 4U);
}

TEST(Sketch, ItsEndsTakeWhatIsBeyondThem) {
  EXPECT_EQ(sketch_bucket(0), 0U);
  EXPECT_EQ(sketch_bucket(1), 0U);
  EXPECT_EQ(sketch_bucket(~std::uint64_t{0}), kSketchBuckets - 1);
  EXPECT_GT(sketch_value(kSketchBuckets - 1), 3600e6);
  EXPECT_EQ(Sketch().quantile(0.5), 0);
}

}  // namespace ecluse::gateway
