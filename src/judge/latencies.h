#pragma once
// How long requests took, for people to look at: counts in buckets that grow by 5 %, from 1 ms to
// two minutes, so that a quantile is off by at most 5 %. No verdict is made from it.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "base/time.h"

namespace ecluse::judge {

class Latencies {
 public:
  static constexpr std::size_t kBuckets = 241;  ///< 1.05^240 ms are 122 s

  void add(Duration latency) {
    const auto ms = static_cast<double>(std::max<Duration::rep>(latency.count(), 1));
    const auto bucket = static_cast<std::size_t>(std::log(ms) / std::log(kGrowth));
    counts_[std::min(bucket, kBuckets - 1)] += 1;
    total_ += 1;
  }

  /// Milliseconds that the share `quantile` of the requests did not exceed; 0 without requests.
  double quantile_ms(double quantile) const {
    const double rank = quantile * static_cast<double>(total_);
    double seen = 0;
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
      seen += static_cast<double>(counts_[bucket]);
      if (seen > 0 && seen >= rank) return std::pow(kGrowth, static_cast<double>(bucket) + 0.5);
    }
    return 0;
  }

  /// To store and restore it.
  std::array<std::uint64_t, kBuckets>& counts() { return counts_; }
  const std::array<std::uint64_t, kBuckets>& counts() const { return counts_; }
  void recount() {
    total_ = 0;
    for (const std::uint64_t count : counts_) total_ += count;
  }

 private:
  static constexpr double kGrowth = 1.05;
  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace ecluse::judge
