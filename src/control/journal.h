#pragma once
// What is decided and not yet durable, in order. A batch is written by the executor, so a slow disk
// holds up nothing but what must wait for it; a failed one is kept and tried again with back-off.

#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "control/executor.h"
#include "control/ports.h"

namespace ecluse::control {

class Journal {
 public:
  Journal(const Ports& ports, Executor& executor) : ports_(ports), executor_(executor) {}

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
  void pump();
  void written(std::size_t entries, const Result<void>& result);

  const Ports& ports_;
  Executor& executor_;
  std::deque<Entry> waiting_;
  bool writing_ = false;
  std::uint32_t failures_ = 0;
  std::uint64_t generation_ = 0;
  std::optional<TimePoint> retry_at_;
  std::optional<Error> trouble_;
};

}  // namespace ecluse::control
