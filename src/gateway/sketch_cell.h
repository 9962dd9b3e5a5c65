#pragma once
// The latencies of one release on one thread, in shared memory: a DDSketch (metrics/sketch.h).

#include <array>
#include <atomic>
#include <cstdint>

#include "metrics/sketch.h"

namespace ecluse::gateway {

/// Only one thread writes it. The sum grows with every value and is written last: who finds it as
/// it was has nothing new to read.
struct alignas(64) SketchCell {
  std::array<std::atomic<std::uint64_t>, metrics::kSketchBuckets> counts;
  std::atomic<std::uint64_t> sum_us;

  /// `us` is at least 1.
  void add(std::uint64_t us) {
    increase(counts[metrics::sketch_bucket(us)], 1);
    increase(sum_us, us);
  }

 private:
  static void increase(std::atomic<std::uint64_t>& counter, std::uint64_t n) {
    // The only writer needs no locked instruction.
    counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_release);
  }
};

}  // namespace ecluse::gateway
