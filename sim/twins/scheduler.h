#pragma once
// Simulated time: what happens next, in order of time and then of being asked for. Everything that
// takes time in a simulation is an entry here, so a run is a function of its seed.

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/time.h"
#include "ports/clock.h"

namespace ecluse::sim {

class Scheduler {
 public:
  using Action = std::function<void()>;

  TimePoint now() const { return now_; }
  void at(TimePoint when, Action action) {
    queue_.emplace(std::pair(std::max(when, now_), next_++), std::move(action));
  }
  void after(Duration delay, Action action) { at(now_ + delay, std::move(action)); }
  bool empty() const { return queue_.empty(); }
  TimePoint next() const { return queue_.begin()->first.first; }
  /// Runs the earliest action. Precondition: not empty.
  void run_one() {
    auto node = queue_.extract(queue_.begin());
    now_ = std::max(now_, node.key().first);
    node.mapped()();
  }
  /// Time passes and nothing happens: the machine sleeps. What was due meanwhile comes late.
  void advance_to(TimePoint when) { now_ = std::max(now_, when); }

 private:
  TimePoint now_ = time_at(1'000'000);
  std::uint64_t next_ = 0;
  std::map<std::pair<TimePoint, std::uint64_t>, Action> queue_;
};

/// Ecluse time is the scheduler's; the wall clock may be moved at will.
class TwinClock final : public ports::Clock {
 public:
  explicit TwinClock(const Scheduler& scheduler) : scheduler_(scheduler) {}
  TimePoint now() override { return scheduler_.now(); }
  WallTime wall() override { return {1'700'000'000'000 + ms_of(scheduler_.now()) + jump_ms}; }

  std::int64_t jump_ms = 0;

 private:
  const Scheduler& scheduler_;
};

}  // namespace ecluse::sim
