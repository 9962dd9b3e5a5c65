#pragma once
#include <cstdint>

namespace ecluse::judge {

struct Interval {
  double low = 0;
  double high = 0;
};

/// 95 % interval for the rate behind `bad` of `units` (Wilson, 1927); [0, 1] without units.
Interval rate_interval(std::uint64_t bad, std::uint64_t units);

/// 95 % interval for canary rate minus stable rate (Newcombe, 1998, method 10). For people to read:
/// it holds at a moment chosen in advance, so no verdict is ever made from it.
Interval difference_interval(std::uint64_t canary_bad, std::uint64_t canary_units,
                             std::uint64_t stable_bad, std::uint64_t stable_units);

}  // namespace ecluse::judge
