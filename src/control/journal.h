#pragma once
// What is decided and not yet durable, in order. A batch is written by the executor, so a slow disk
// holds up nothing but what must wait for it; a failed one is kept and tried again with back-off.

#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "control/executor.h"
#include "ports/clock.h"
#include "ports/store.h"

namespace ecluse::control {

class Journal {
 public:
  /// What may wait for a disk that takes nothing. Beyond it, states are folded together (the newest
  /// of each key counts), and the newest events are given up: "audit.gap" says how many.
  static constexpr std::size_t kEntriesMax = 1'000;
  static constexpr std::size_t kFoldedEventsMax = 10'000;

  Journal(ports::Store& store, ports::Clock& clock, Executor& executor)
      : store_(store), clock_(clock), executor_(executor) {}

  /// `after` runs on the thread of steps once `batch` is durable.
  void append(ports::Batch batch, std::vector<std::function<void()>> after);
  /// Tries again what failed, when it is time.
  void tick(TimePoint now);
  std::optional<TimePoint> deadline() const { return retry_at_; }
  bool idle() const { return waiting_.empty(); }
  /// Why the last write failed; nothing while writing works.
  const std::optional<Error>& trouble() const { return trouble_; }
  /// The newest sequence that may have been written; grows with every durable batch.
  std::uint64_t generation() const { return generation_; }

 private:
  struct Entry {
    ports::Batch batch;
    std::vector<std::function<void()>> after;
  };
  void fold(Entry entry);
  void tell_gap();
  void pump();
  void failed(const Error& error);
  void written(std::size_t entries);

  ports::Store& store_;
  ports::Clock& clock_;
  Executor& executor_;
  std::deque<Entry> waiting_;
  bool writing_ = false;
  std::uint32_t failures_ = 0;
  std::uint64_t generation_ = 0;
  std::uint64_t events_lost_ = 0;  ///< not yet told
  std::optional<TimePoint> retry_at_;
  std::optional<Error> trouble_;
};

}  // namespace ecluse::control
