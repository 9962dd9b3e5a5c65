#include "control/loop.h"

#include <algorithm>

namespace ecluse::control {

namespace {
constexpr std::size_t kTasksMax = 4096;
/// Ecluse time may jump ahead of a sleeping thread (suspend), so nobody sleeps longer than this.
constexpr Duration kSleepMax = std::chrono::seconds(1);
}  // namespace

Loop::Loop(ports::Clock& clock, std::function<void()> tick,
           std::function<std::optional<TimePoint>()> deadline)
    : clock_(clock), tick_(std::move(tick)), deadline_(std::move(deadline)) {}

Loop::~Loop() {
  stop();
}

void Loop::start() {
  thread_ = std::thread([this] { serve(); });
}

void Loop::stop() {
  {
    std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  room_.notify_all();
  if (thread_.joinable()) thread_.join();
  std::deque<Task> dropped;
  std::lock_guard guard(mutex_);
  dropped.swap(tasks_);
}

void Loop::post(Task task) {
  {
    std::unique_lock guard(mutex_);
    const bool own_thread = std::this_thread::get_id() == thread_.get_id();
    if (!own_thread) room_.wait(guard, [this] { return stopping_ || tasks_.size() < kTasksMax; });
    if (stopping_) return;
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
}

Duration Loop::patience() {
  const auto due = deadline_();
  if (!due) return kSleepMax;
  return std::clamp(*due - clock_.now(), Duration::zero(), kSleepMax);
}

void Loop::serve() {
  for (;;) {
    const auto wait = patience();
    Task task;
    {
      std::unique_lock guard(mutex_);
      changed_.wait_for(guard, wait, [this] { return stopping_ || !tasks_.empty(); });
      if (stopping_) return;
      if (!tasks_.empty()) {
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
    }
    if (task) {
      room_.notify_one();
      task();
    }
    tick_();
  }
}

}  // namespace ecluse::control
