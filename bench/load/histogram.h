#pragma once
// Latencies in log-linear buckets: 64 to each power of two, so a percentile is at most 1.6 % above
// the truth, at any range, in a few kilobytes.

#include <cstdint>
#include <vector>

namespace ecluse::load {

class Histogram {
 public:
  void add(std::int64_t us);
  /// The latency that `share` (0..1) of all were at or below; 0 when there are none.
  double percentile_ms(double share) const;
  double max_ms() const { return static_cast<double>(max_us_) / 1000.0; }
  std::uint64_t count() const { return count_; }
  Histogram& operator+=(const Histogram& other);

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::int64_t max_us_ = 0;
};

}  // namespace ecluse::load
