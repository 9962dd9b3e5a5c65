#pragma once
// The thread of steps: takes one thing at a time from a bounded queue, and wakes for deadlines.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "base/time.h"
#include "ports/clock.h"

namespace ecluse::control {

class Loop {
 public:
  using Task = std::function<void()>;

  /// `tick` and `deadline` are called on the loop's thread only.
  Loop(ports::Clock& clock, std::function<void()> tick,
       std::function<std::optional<TimePoint>()> deadline);
  ~Loop();

  void start();
  /// Ends the thread; tasks that wait are dropped.
  void stop();
  /// Thread-safe. Blocks while the queue is full, except on the loop's own thread.
  void post(Task task);

 private:
  void serve();
  Duration patience();

  ports::Clock& clock_;
  std::function<void()> tick_;
  std::function<std::optional<TimePoint>()> deadline_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable room_;
  std::deque<Task> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ecluse::control
