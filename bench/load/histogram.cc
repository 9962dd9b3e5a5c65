#include "histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace ecluse::load {
namespace {

constexpr int kHalf = 64;  // buckets of one power of two

std::size_t bucket_of(std::uint64_t us) {
  const int shift = std::max(0, static_cast<int>(std::bit_width(us)) - 7);
  return static_cast<std::size_t>(shift) * kHalf + (us >> shift);
}

std::uint64_t upper_bound_of(std::size_t bucket) {
  if (bucket < 2 * kHalf) return bucket;
  const std::size_t shift = bucket / kHalf - 1;
  return ((bucket - shift * kHalf + 1) << shift) - 1;
}

}  // namespace

void Histogram::add(std::int64_t us) {
  us = std::max<std::int64_t>(us, 0);
  const std::size_t bucket = bucket_of(static_cast<std::uint64_t>(us));
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  max_us_ = std::max(max_us_, us);
}

double Histogram::percentile_ms(double share) const {
  // 15/29 of 29 must be 15, whatever floating point makes of it.
  const double exact = share * static_cast<double>(count_) - 1e-6;
  const auto wanted = static_cast<std::uint64_t>(std::max(std::ceil(exact), 1.0));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= wanted) {
      const auto us = std::min<std::uint64_t>(upper_bound_of(bucket), max_us_);
      return static_cast<double>(us) / 1000.0;
    }
  }
  return 0;
}

Histogram& Histogram::operator+=(const Histogram& other) {
  if (other.buckets_.size() > buckets_.size()) buckets_.resize(other.buckets_.size());
  for (std::size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_us_ = std::max(max_us_, other.max_us_);
  return *this;
}

}  // namespace ecluse::load
