#include "control/pool.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace ecluse::control {

namespace {
constexpr int kUrgentThreads = 2;
constexpr int kNormalThreads = 8;
constexpr int kLongThreads = 4;
constexpr int kWatchThreads = 4;
}  // namespace

class Pool::Team {
 public:
  Team(int threads, std::function<void(Completion)> deliver) : deliver_(std::move(deliver)) {
    for (int i = 0; i < threads; ++i)
      threads_.emplace_back([this](const std::stop_token& stop) { serve(stop); });
  }
  ~Team() {
    for (auto& thread : threads_) thread.request_stop();
    changed_.notify_all();
  }

  void run(const std::string& lane, Work work) {
    {
      std::lock_guard guard(mutex_);
      auto& queue = lanes_[lane];
      queue.push_back(std::move(work));
      if (queue.size() > 1) return;  // the one before it hands on the lane
      ready_.push_back(lane);
    }
    changed_.notify_one();
  }

 private:
  void serve(const std::stop_token& stop) {
    for (;;) {
      std::unique_lock guard(mutex_);
      if (!changed_.wait(guard, stop, [this] { return !ready_.empty(); })) return;
      if (stop.stop_requested()) return;
      const auto lane = std::move(ready_.front());
      ready_.pop_front();
      const auto work = std::move(lanes_[lane].front());
      guard.unlock();
      deliver_(work());
      guard.lock();
      auto& queue = lanes_[lane];
      queue.pop_front();
      if (queue.empty()) {
        lanes_.erase(lane);
        continue;
      }
      ready_.push_back(lane);
      guard.unlock();
      changed_.notify_one();
    }
  }

  std::function<void(Completion)> deliver_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, std::deque<Work>> lanes_;
  std::deque<std::string> ready_;      ///< lanes whose first work may start
  std::vector<std::jthread> threads_;  ///< last: joined before the rest goes
};

Pool::Pool(std::function<void(Completion)> deliver)
    : deliver_(std::move(deliver)),
      urgent_(std::make_unique<Team>(kUrgentThreads, deliver_)),
      normal_(std::make_unique<Team>(kNormalThreads, deliver_)),
      long_(std::make_unique<Team>(kLongThreads, deliver_)),
      watch_(std::make_unique<Team>(kWatchThreads, deliver_)) {}

Pool::~Pool() = default;

void Pool::run(const Lane& lane, Work work) {
  switch (lane.urgency) {
    case Urgency::kUrgent:
      return urgent_->run(lane.name, std::move(work));
    case Urgency::kNormal:
      return normal_->run(lane.name, std::move(work));
    case Urgency::kLong:
      return long_->run(lane.name, std::move(work));
    case Urgency::kWatch:
      return watch_->run(lane.name, std::move(work));
  }
}

}  // namespace ecluse::control
