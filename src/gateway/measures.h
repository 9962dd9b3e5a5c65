#pragma once
// What is measured for /metrics beside the counters of traffic: latencies of each release, and how
// often each bound was hit. A region of the keeper's shared memory, so that nothing counts from
// zero again when a worker process dies.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "gateway/bounds.h"
#include "gateway/sketch_cell.h"

namespace ecluse::gateway {

/// What is withheld from a client without being a number of Bounds.
enum class Refusal : std::uint8_t {
  kWebsocket,  ///< the route does not allow one: its upgrade was not passed
};
struct RefusalName {
  Refusal refusal;
  std::string_view name;
};
inline constexpr std::array<RefusalName, 1> kRefusalNames{{{Refusal::kWebsocket, "websockets"}}};

/// Pages nobody wrote are not resident. Each row is written by one thread.
class Measures {
 public:
  static constexpr std::size_t kRows = 64;
  static constexpr std::size_t kSlots = 1024;
  static constexpr std::size_t kBoundsRoom = 64;

  static std::size_t bytes();
  static Result<Measures> map(int fd, std::int64_t offset);
  Measures(Measures&& other) noexcept;
  Measures& operator=(Measures&&) = delete;
  ~Measures();

  /// Rows that nobody ever used are not looked at: reading a page makes it resident.
  void use(std::size_t row);
  SketchCell& latencies(std::size_t row, std::uint32_t slot);
  /// Over all threads.
  metrics::SketchCounts latencies(std::uint32_t slot) const;
  std::uint64_t latency_sum_us(std::uint32_t slot) const;
  /// A slot that is given to another release begins anew.
  void forget(std::uint32_t slot);
  void hit(std::size_t row, std::uint64_t Bounds::* bound);
  std::uint64_t hits(std::uint64_t Bounds::* bound) const;
  void hit(std::size_t row, Refusal refusal);
  std::uint64_t hits(Refusal refusal) const;

 private:
  struct Layout;
  explicit Measures(void* mapping) : mapping_(mapping) {}
  void count(std::size_t row, std::size_t place);
  std::uint64_t counted(std::size_t place) const;
  Layout& layout() const { return *static_cast<Layout*>(mapping_); }
  void* mapping_ = nullptr;
};

}  // namespace ecluse::gateway
