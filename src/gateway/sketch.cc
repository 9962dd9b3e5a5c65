#include "gateway/sketch.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace ecluse::gateway {

namespace {
constexpr double kGamma = (1 + kSketchError) / (1 - kSketchError);
const double kPerBucket = std::log(kGamma);

void increase(std::atomic<std::uint64_t>& counter, std::uint64_t n) {
  // The only writer needs no locked instruction.
  counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}
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

void SketchCell::add(std::uint64_t us) {
  increase(counts[sketch_bucket(us)], 1);
  increase(sum_us, us);
}

void Sketch::merge(const SketchCell& cell) {
  for (std::size_t i = 0; i < kSketchBuckets; ++i) {
    counts_[i] += cell.counts[i].load(std::memory_order_relaxed);
  }
  sum_us_ += cell.sum_us.load(std::memory_order_relaxed);
}

std::uint64_t Sketch::count() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

std::uint64_t Sketch::count_up_to(double us) const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kSketchBuckets && sketch_value(i) <= us; ++i) sum += counts_[i];
  return sum;
}

double Sketch::quantile(double q) const {
  const std::uint64_t all = count();
  if (all == 0) return 0;
  const auto rank = static_cast<std::uint64_t>(q * static_cast<double>(all - 1));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kSketchBuckets; ++i) {
    seen += counts_[i];
    if (seen > rank) return sketch_value(i);
  }
  return sketch_value(kSketchBuckets - 1);
}

}  // namespace ecluse::gateway
