#pragma once
// DDSketch: counts in buckets that grow by a constant factor, so that any quantile read from them
// is within 1 % of a value that was really there (Masson, Rim, Lee, "DDSketch", VLDB 2019). Over
// microseconds from one to three hours, with a fixed number of buckets: merging is adding.

#include <cstddef>
#include <cstdint>
#include <map>

namespace ecluse::metrics {

inline constexpr double kSketchError = 0.01;
inline constexpr std::size_t kSketchBuckets = 1152;

/// The bucket of a value in microseconds; values below one are in the first, those beyond the last
/// bucket in the last.
std::size_t sketch_bucket(std::uint64_t us);
/// What stands for all values of a bucket, in microseconds.
double sketch_value(std::size_t bucket);

/// How many values fell into each bucket; those with none may be missing.
using SketchCounts = std::map<std::uint32_t, std::uint64_t>;

std::uint64_t count_of(const SketchCounts& counts);
/// How many values are at most `us`; values within 1 % of it may be on either side.
std::uint64_t count_up_to(const SketchCounts& counts, double us);
/// Within 1 % of the value at that rank, in microseconds; 0 without values. `q` in [0, 1].
double quantile(const SketchCounts& counts, double q);
/// What came since `before`, which counted the same; counts that fell have none.
SketchCounts since(const SketchCounts& before, const SketchCounts& now);

}  // namespace ecluse::metrics
