#pragma once
// DDSketch: counts in buckets that grow by a constant factor, so that any quantile read from them
// is within 1 % of a value that was really there (Masson, Rim, Lee, "DDSketch", VLDB 2019). Over
// microseconds from one to three hours, with a fixed number of buckets: merging is adding.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ecluse::gateway {

inline constexpr double kSketchError = 0.01;
inline constexpr std::size_t kSketchBuckets = 1152;

/// The bucket of a value in microseconds; values below one are in the first, those beyond the last
/// bucket in the last.
std::size_t sketch_bucket(std::uint64_t us);
/// What stands for all values of a bucket, in microseconds.
double sketch_value(std::size_t bucket);

/// The latencies of one release on one thread, in shared memory; only that thread writes them.
struct alignas(64) SketchCell {
  std::array<std::atomic<std::uint64_t>, kSketchBuckets> counts;
  std::atomic<std::uint64_t> sum_us;
  void add(std::uint64_t us);
};

/// A sketch at rest: the sum of cells.
class Sketch {
 public:
  void merge(const SketchCell& cell);
  std::uint64_t count() const;
  std::uint64_t sum_us() const { return sum_us_; }
  /// How many values are at most `us`; values within 1 % of it may be on either side.
  std::uint64_t count_up_to(double us) const;
  /// Within 1 % of the value at that rank; 0 without values. `q` in [0, 1].
  double quantile(double q) const;

 private:
  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(kSketchBuckets, 0);
  std::uint64_t sum_us_ = 0;
};

}  // namespace ecluse::gateway
