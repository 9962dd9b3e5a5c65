#include "judge/interval.h"

#include <algorithm>
#include <cmath>

namespace ecluse::judge {

namespace {
constexpr double kZ = 1.959963984540054;  // normal quantile of 0.975

double rate(std::uint64_t bad, std::uint64_t units) {
  return units == 0 ? 0 : static_cast<double>(bad) / static_cast<double>(units);
}
}  // namespace

Interval rate_interval(std::uint64_t bad, std::uint64_t units) {
  if (units == 0) return {0, 1};
  const auto n = static_cast<double>(units);
  const double p = rate(bad, units);
  const double centre = (p + kZ * kZ / (2 * n)) / (1 + kZ * kZ / n);
  const double half = kZ * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n)) / (1 + kZ * kZ / n);
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

Interval difference_interval(std::uint64_t canary_bad, std::uint64_t canary_units,
                             std::uint64_t stable_bad, std::uint64_t stable_units) {
  const double c = rate(canary_bad, canary_units);
  const double s = rate(stable_bad, stable_units);
  const Interval ci = rate_interval(canary_bad, canary_units);
  const Interval si = rate_interval(stable_bad, stable_units);
  return {c - s - std::hypot(c - ci.low, si.high - s), c - s + std::hypot(ci.high - c, s - si.low)};
}

}  // namespace ecluse::judge
