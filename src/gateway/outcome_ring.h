#pragma once
// The requests of one site while a release of it is on trial, in shared memory: two rings of
// records, one in order of arrival, one in order of settlement. Any thread writes, without locks;
// readers hold cursors and never disturb a writer. Layout: docs/gateway.md.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ports/outcomes.h"

namespace ecluse::gateway {

/// One record. `sequence` is its index plus one once all of it is written: a reader that sees the
/// same sequence before and after has read one record, not pieces of two.
class alignas(64) OutcomeCell {
 public:
  void write(std::uint64_t index, const ports::Outcome& outcome);
  /// False when the cell does not hold record `index`, or does no longer.
  bool read(std::uint64_t index, ports::Outcome& outcome) const;
  bool holds(std::uint64_t index) const;

 private:
  std::atomic<std::uint64_t> sequence_;
  std::atomic<std::uint64_t> arrival_;
  std::atomic<std::uint64_t> client_;
  std::atomic<std::uint64_t> arrived_ms_;
  std::atomic<std::uint64_t> release_and_weight_;
  std::atomic<std::uint64_t> result_;  ///< latency << 16 | probe << 8 | state
};

/// Lives in zeroed shared memory; never constructed.
class OutcomeRing {
 public:
  static constexpr std::uint64_t kCells = 32768;
  /// Above this rate only a part of the units is recorded: see arrive().
  static constexpr std::uint64_t kRecordsPerSecondMax = 5000;
  static constexpr std::uint64_t kRateWindow = 512;  ///< records between two looks at the rate

  /// A batch of so many is not waited for any longer.
  static constexpr std::size_t kFullBatch = ports::kMaxBatch / 2;

  /// From now on records belong to the trial of `release`; readers do not see those before.
  void begin_trial(model::ReleaseNumber release);
  model::ReleaseNumber release() const { return release_.load(std::memory_order_acquire); }

  /// Records the arrival of `outcome` and numbers it. At more than kRecordsPerSecondMax only one
  /// unit of 2^k is recorded, by `draw` (of a client with a hash always the same, so that a unit
  /// is recorded wholly or not at all); the choice is made before anybody knows what becomes of
  /// it, so what is recorded is a fair sample. False: not recorded, settle() is not due.
  bool arrive(ports::Outcome& outcome, std::uint64_t draw);
  /// Once for each arrival. Records of trials that are over are not shown to readers.
  void settle(const ports::Outcome& outcome);

  /// What a cursor's position says: how many records of either ring were read before.
  struct Position {
    std::uint64_t arrivals = 0;
    std::uint64_t settlements = 0;
  };
  Position oldest() const;
  std::uint64_t pack(const Position& position) const;
  /// The newest position that packs to `packed`: 2^32 records back none is kept.
  Position unpack(std::uint64_t packed) const;

  /// Appends what follows `position` to the batch and moves the position; at most kMaxBatch.
  void read(Position& position, ports::OutcomeBatch& batch) const;
  std::uint64_t thinned() const { return thinned_.load(std::memory_order_relaxed); }

  /// After the death of the only process that wrote: whatever is pending is settled as kLeft, for
  /// it was our death, not the app's; a record that was half written is void. Looks at the last
  /// half of the ring: whoever was pending while more requests than that came stays pending.
  void settle_orphans(std::uint64_t now_ms);

 private:
  std::vector<bool> settled_since(std::uint64_t first_arrival, std::uint64_t end) const;
  void repair_settlements();
  void look_at_rate(std::uint64_t arrivals, std::uint64_t now_ms);
  bool is_recorded(std::uint64_t draw) const;
  void read_settlements(Position& position, std::uint64_t end, std::uint64_t arrivals_end,
                        ports::OutcomeBatch& batch) const;
  void read_arrivals(Position& position, std::uint64_t end, ports::OutcomeBatch& batch) const;

  std::atomic<std::uint32_t> release_;
  std::atomic<std::uint32_t> thinning_;  ///< k: one unit of 2^k is recorded
  std::atomic<std::uint64_t> first_arrival_;
  std::atomic<std::uint64_t> first_settlement_;
  std::atomic<std::uint64_t> window_began_ms_;
  std::atomic<std::uint64_t> window_first_;
  alignas(64) std::atomic<std::uint64_t> thinned_;
  alignas(64) std::atomic<std::uint64_t> arrivals_;
  alignas(64) std::atomic<std::uint64_t> settlements_;
  std::array<OutcomeCell, kCells> arrived_;
  std::array<OutcomeCell, kCells> settled_;
};

}  // namespace ecluse::gateway
