#include "metrics/sketch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/prng.h"

namespace ecluse::metrics {

namespace {
SketchCounts counts_of(const std::vector<std::uint64_t>& values) {
  SketchCounts counts;
  for (const std::uint64_t value : values) {
    counts[static_cast<std::uint32_t>(sketch_bucket(value))] += 1;
  }
  return counts;
}
}  // namespace

TEST(Sketch, EveryQuantileIsWithinOnePercent) {
  Prng prng(7);
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    // From 20 microseconds to minutes, as latencies are: multiplicative.
    values.push_back(static_cast<std::uint64_t>(20 * std::exp(prng.unit() * 15)));
  }
  const SketchCounts counts = counts_of(values);
  std::ranges::sort(values);
  for (const double q : {0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0}) {
    const auto exact = static_cast<double>(values[static_cast<std::size_t>(q * 19'999)]);
    EXPECT_NEAR(quantile(counts, q), exact, exact * (kSketchError + 1e-9)) << q;
  }
}

TEST(Sketch, CountsUpToAValue) {
  const SketchCounts counts = counts_of({10, 20, 30, 1'000'000});
  EXPECT_EQ(count_of(counts), 4U);
  EXPECT_EQ(count_up_to(counts, 100), 3U);
  EXPECT_EQ(count_up_to(counts, 2e6), 4U);
  EXPECT_EQ(count_up_to(counts, 1), 0U);
}

TEST(Sketch, WhatCameSinceIsTheDifference) {
  const SketchCounts before = counts_of({10, 10, 500});
  const SketchCounts now = counts_of({10, 10, 10, 500, 70'000});
  EXPECT_EQ(since(before, now), counts_of({10, 70'000}));
  EXPECT_EQ(since(now, now), SketchCounts());
  EXPECT_EQ(since({}, now), now);
}

TEST(Sketch, ItsEndsTakeWhatIsBeyondThem) {
  EXPECT_EQ(sketch_bucket(0), 0U);
  EXPECT_EQ(sketch_bucket(1), 0U);
  EXPECT_EQ(sketch_bucket(~std::uint64_t{0}), kSketchBuckets - 1);
  EXPECT_GT(sketch_value(kSketchBuckets - 1), 3600e6);
  EXPECT_EQ(quantile({}, 0.5), 0);
}

}  // namespace ecluse::metrics
