#include "gateway/measures.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace ecluse::gateway {

struct Measures::Layout {
  std::atomic<std::uint32_t> rows;  ///< used so far
  struct alignas(64) Hits {
    std::array<std::atomic<std::uint64_t>, kBoundsRoom> counts;
  };
  std::array<Hits, kRows> hits;
  std::array<std::array<SketchCell, kSlots>, kRows> sketches;
};

namespace {
std::size_t index_of(std::uint64_t Bounds::* bound) {
  const auto names = bound_names();
  const auto found = std::ranges::find(names, bound, &BoundName::member);
  return std::min(static_cast<std::size_t>(found - names.begin()), Measures::kBoundsRoom - 1);
}

/// From the far end: the bounds grow from the near one.
std::size_t index_of(Refusal refusal) {
  return Measures::kBoundsRoom - 2 - static_cast<std::size_t>(refusal);
}
}  // namespace

std::size_t Measures::bytes() {
  return sizeof(Layout);
}

Result<Measures> Measures::map(int fd, std::int64_t offset) {
  void* const mapping =
      ::mmap(nullptr, sizeof(Layout), PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
  if (mapping == MAP_FAILED) return fail(from_errno(errno, "mmap the gateway's shared memory"));
  return Measures(mapping);
}

Measures::Measures(Measures&& other) noexcept : mapping_(std::exchange(other.mapping_, nullptr)) {}
Measures::~Measures() {
  if (mapping_ != nullptr) (void)::munmap(mapping_, sizeof(Layout));  // cannot fail on our mapping
}

void Measures::use(std::size_t row) {
  const auto wanted = static_cast<std::uint32_t>(row + 1);
  std::uint32_t known = layout().rows.load();
  while (known < wanted && !layout().rows.compare_exchange_weak(known, wanted)) {
  }
}

SketchCell& Measures::latencies(std::size_t row, std::uint32_t slot) {
  return layout().sketches[row][slot];
}

metrics::SketchCounts Measures::latencies(std::uint32_t slot) const {
  metrics::SketchCounts sum;
  for (std::uint32_t row = 0; row < layout().rows.load(); ++row) {
    const SketchCell& cell = layout().sketches[row][slot];
    for (std::uint32_t bucket = 0; bucket < metrics::kSketchBuckets; ++bucket) {
      const std::uint64_t count = cell.counts[bucket].load(std::memory_order_relaxed);
      if (count != 0) sum[bucket] += count;
    }
  }
  return sum;
}

std::uint64_t Measures::latency_sum_us(std::uint32_t slot) const {
  std::uint64_t sum = 0;
  for (std::uint32_t row = 0; row < layout().rows.load(); ++row) {
    sum += layout().sketches[row][slot].sum_us.load(std::memory_order_acquire);
  }
  return sum;
}

void Measures::forget(std::uint32_t slot) {
  for (std::uint32_t row = 0; row < layout().rows.load(); ++row) {
    SketchCell& cell = layout().sketches[row][slot];
    for (auto& count : cell.counts) count.store(0, std::memory_order_relaxed);
    cell.sum_us.store(0, std::memory_order_relaxed);
  }
}

void Measures::count(std::size_t row, std::size_t place) {
  auto& count = layout().hits[row].counts[place];
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

std::uint64_t Measures::counted(std::size_t place) const {
  std::uint64_t sum = 0;
  for (const auto& row : layout().hits) {
    sum += row.counts[place].load(std::memory_order_relaxed);
  }
  return sum;
}

void Measures::hit(std::size_t row, std::uint64_t Bounds::* bound) {
  count(row, index_of(bound));
}
std::uint64_t Measures::hits(std::uint64_t Bounds::* bound) const {
  return counted(index_of(bound));
}
void Measures::hit(std::size_t row, Refusal refusal) {
  count(row, index_of(refusal));
}
std::uint64_t Measures::hits(Refusal refusal) const {
  return counted(index_of(refusal));
}

}  // namespace ecluse::gateway
