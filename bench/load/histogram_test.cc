#include "histogram.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace ecluse::load {
namespace {

TEST(Histogram, IsZeroWhenEmpty) {
  EXPECT_EQ(Histogram().percentile_ms(0.99), 0);
}

TEST(Histogram, KnowsItsMaximumExactly) {
  Histogram latency;
  for (const int us : {10, 123457, 20}) latency.add(us);
  EXPECT_DOUBLE_EQ(latency.max_ms(), 123.457);
  EXPECT_DOUBLE_EQ(latency.percentile_ms(1), 123.457);
}

RC_GTEST_PROP(Histogram, PercentilesAreAtMostTwoPercentAboveTheTruth, ()) {
  auto values = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::int64_t>>(
      rc::gen::inRange<std::int64_t>(0, 100'000'000)));
  Histogram latency;
  for (const std::int64_t us : values) latency.add(us);
  std::sort(values.begin(), values.end());
  const double truth = static_cast<double>(values[(values.size() - 1) / 2]) / 1000;
  const double told = latency.percentile_ms(static_cast<double>((values.size() - 1) / 2 + 1) /
                                            static_cast<double>(values.size()));
  RC_ASSERT(told >= truth - 1e-9);
  RC_ASSERT(told <= truth * 1.02 + 0.001);
}

RC_GTEST_PROP(Histogram, SumCountsBoth,
              (std::vector<std::uint16_t> a, std::vector<std::uint16_t> b)) {
  Histogram left, right, both;
  for (const auto us : a) left.add(us), both.add(us);
  for (const auto us : b) right.add(us), both.add(us);
  left += right;
  RC_ASSERT(left.count() == a.size() + b.size());
  RC_ASSERT(left.percentile_ms(0.9) == both.percentile_ms(0.9));
}

}  // namespace
}  // namespace ecluse::load
