#pragma once
// What must outlive a worker process: counters per (site, release), the latches of aborted rollouts
// and the newest table. It is a memfd that the keeper holds and each worker process maps. Layout:
// docs/gateway.md. One process writes at a time; of its threads each writes its own cells only.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/measures.h"
#include "gateway/outcome_rings.h"
#include "gateway/ticket_keys.h"
#include "gateway/worker_seat.h"
#include "os/fd.h"
#include "ports/traffic.h"

namespace ecluse::gateway {

/// The counters of one release on one thread; only that thread writes it.
struct alignas(64) CounterCell {
  std::atomic<std::uint64_t> requests;
  std::atomic<std::uint64_t> errors_5xx;
  std::atomic<std::uint64_t> failures;
  std::atomic<std::uint64_t> in_flight;
  std::atomic<std::uint64_t> websockets;

  static void add(std::atomic<std::uint64_t>& counter, std::uint64_t n) {
    // The only writer needs no locked instruction. Release: who sees in_flight fall sees the rest.
    counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_release);
  }
};

struct Latch {
  std::string rollout;
  model::ReleaseNumber release = 0;
  bool operator==(const Latch&) const = default;
};

class SharedMemory {
 public:
  static constexpr std::size_t kThreadsMax = 64;
  static constexpr std::size_t kSlotsMax = 1024;
  static constexpr std::size_t kLatchesMax = 1024;
  static constexpr std::size_t kImageBytesMax = 16 << 20;

  /// A new, empty one; nothing of it is resident until it is written.
  static Result<os::Fd> create();
  static Result<SharedMemory> map(os::Fd fd);
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&&) = delete;
  ~SharedMemory();

  /// Called once by a new worker process: what was in flight died with the old one, except in the
  /// rows of those who live.
  void forget_in_flight(const std::vector<Rows>& living);

  /// The slot of a release, made when it is new. Exhausted when all are taken by releases that
  /// `is_needed` or have requests in flight.
  template <typename IsNeeded>
  Result<std::uint32_t> slot_of(const model::EnvironmentKey& site, model::ReleaseNumber release,
                                IsNeeded&& is_needed);
  std::optional<std::uint32_t> find(const model::EnvironmentKey& site,
                                    model::ReleaseNumber release) const {
    return find_slot(to_string(site), release);
  }
  /// The records of sites on trial.
  OutcomeRings& outcomes() { return outcomes_; }
  Measures& measures() { return measures_; }
  struct Counted {
    model::EnvironmentKey site;
    model::ReleaseNumber release = 0;
    std::uint32_t slot = 0;
    ports::ArmCounters counters;
  };
  /// Every release that ever had a slot and still has.
  std::vector<Counted> all_counters() const;
  CounterCell& cell(std::size_t thread, std::uint32_t slot);
  ports::SiteCounters counters(const model::EnvironmentKey& site) const;

  /// Idempotent. Invalid: the id is too long; Exhausted: the table is full.
  Result<void> latch(const std::string& rollout, model::ReleaseNumber release);
  std::vector<Latch> latches() const;
  bool is_latched(std::string_view rollout, model::ReleaseNumber release) const;
  /// Latches whose rollout `is_needed` says no to are forgotten when room is short.
  void forget_latches_except(const std::vector<std::string>& rollouts_needed);

  /// What seals session tickets now. Written by one process at a time, read at the start of
  /// another: a copy torn between the two only costs some clients a full handshake.
  TicketKeys& ticket_keys();

  /// The state as state_file.h writes it. A worker killed while it stored leaves the former one.
  Result<void> store_image(std::string_view image);
  std::optional<std::string> load_image() const;
  /// Grows with each image stored.
  std::uint64_t image_version() const;

  /// A process that drains beside the one that decides still carries requests of kept connections:
  /// it follows the images, and who stores one waits for it. `row` is the first of its own.
  void follow_images(std::uint32_t row, std::uint64_t version);
  void stop_following(std::uint32_t row);
  /// A release drains: who carries requests beside the process that decides learns it by `drains()`
  /// having grown. Those that are more than kDrainsKept behind miss some.
  struct Drain {
    std::uint32_t slot = 0;
    std::uint64_t websocket_budget_ms = 0;
  };
  static constexpr std::size_t kDrainsKept = 256;
  void announce_drain(const Drain& drain);
  std::uint64_t drains() const;
  Drain drain_at(std::uint64_t number) const;

  /// Blocking; false if a living follower has not taken `version` in time.
  bool await_followers(std::uint64_t version, std::chrono::milliseconds timeout);

 private:
  struct Layout;
  struct SlotName;
  struct Follower;
  bool has_followed(Follower& follower, std::uint64_t version) const;
  SharedMemory(os::Fd fd, void* mapping, OutcomeRings outcomes, Measures measures);
  Layout& layout() { return *static_cast<Layout*>(mapping_); }
  const Layout& layout() const { return *static_cast<const Layout*>(mapping_); }
  std::optional<std::uint32_t> find_slot(const std::string& site,
                                         model::ReleaseNumber release) const;
  std::uint64_t in_flight(std::uint32_t slot) const;
  void add_counters(std::uint32_t slot, ports::ArmCounters& arm) const;
  std::optional<std::uint32_t> free_slot() const;
  std::pair<std::string, model::ReleaseNumber> name_of(std::uint32_t slot) const;
  Result<std::uint32_t> take_slot(std::uint32_t slot, const std::string& site,
                                  model::ReleaseNumber release);

  os::Fd fd_;
  void* mapping_ = nullptr;
  OutcomeRings outcomes_;
  Measures measures_;
};

template <typename IsNeeded>
Result<std::uint32_t> SharedMemory::slot_of(const model::EnvironmentKey& key,
                                            model::ReleaseNumber release, IsNeeded&& is_needed) {
  const std::string site = to_string(key);
  if (const auto known = find_slot(site, release)) return *known;
  if (const auto unused = free_slot()) return take_slot(*unused, site, release);
  for (std::uint32_t slot = 0; slot < kSlotsMax; ++slot) {
    const auto [old_site, old_release] = name_of(slot);
    if (in_flight(slot) == 0 && !is_needed(old_site, old_release)) {
      return take_slot(slot, site, release);
    }
  }
  return fail(ErrorKind::kExhausted, "the gateway counts 1024 releases already, all of them in use",
              "remove environments or releases that are no longer needed");
}

}  // namespace ecluse::gateway
