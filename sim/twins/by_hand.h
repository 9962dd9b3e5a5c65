#pragma once
// A clock and an executor that do nothing unless a test says so.

#include <deque>
#include <utility>

#include "control/executor.h"
#include "ports/clock.h"

namespace ecluse::sim {

class HandClock final : public ports::Clock {
 public:
  TimePoint now() override { return now_; }
  WallTime wall() override { return {}; }
  void pass(Duration d) { now_ += d; }

 private:
  TimePoint now_ = time_at(1'000'000);
};

class HandExecutor final : public control::Executor {
 public:
  struct Task {
    control::Lane lane;
    control::Work work;
  };
  void run(const control::Lane& lane, control::Work work) override {
    waiting.push_back({lane, std::move(work)});
  }
  /// Does what waits now, and its completions; what those set off waits for the next call.
  void once() {
    auto now = std::exchange(waiting, {});
    for (const Task& task : now) task.work()();
  }
  std::deque<Task> waiting;
};

}  // namespace ecluse::sim
