#include "metrics/sketch.h"

#include <algorithm>
#include <cmath>

namespace ecluse::metrics {

namespace {
constexpr double kGamma = (1 + kSketchError) / (1 - kSketchError);
const double kPerBucket = std::log(kGamma);
}  // namespace

/// Bucket i holds (gamma^(i-1), gamma^i].
std::size_t sketch_bucket(std::uint64_t us) {
  if (us <= 1) return 0;
  const auto bucket = static_cast<std::size_t>(std::ceil(std::log(us) / kPerBucket));
  return std::min(bucket, kSketchBuckets - 1);
}

double sketch_value(std::size_t bucket) {
  return 2 * std::exp(kPerBucket * static_cast<double>(bucket)) / (kGamma + 1);
}

std::uint64_t count_of(const SketchCounts& counts) {
  std::uint64_t sum = 0;
  for (const auto& [bucket, count] : counts) sum += count;
  return sum;
}

std::uint64_t count_up_to(const SketchCounts& counts, double us) {
  std::uint64_t sum = 0;
  for (const auto& [bucket, count] : counts) {
    if (sketch_value(bucket) > us) break;
    sum += count;
  }
  return sum;
}

double quantile(const SketchCounts& counts, double q) {
  const std::uint64_t all = count_of(counts);
  if (all == 0) return 0;
  const auto rank = static_cast<std::uint64_t>(q * static_cast<double>(all - 1));
  std::uint64_t seen = 0;
  for (const auto& [bucket, count] : counts) {
    seen += count;
    if (seen > rank) return sketch_value(bucket);
  }
  return sketch_value(counts.rbegin()->first);
}

SketchCounts since(const SketchCounts& before, const SketchCounts& now) {
  SketchCounts grown;
  for (const auto& [bucket, count] : now) {
    const auto old = before.find(bucket);
    const std::uint64_t known = old == before.end() ? 0 : old->second;
    if (count > known) grown[bucket] = count - known;
  }
  return grown;
}

}  // namespace ecluse::metrics
