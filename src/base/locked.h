#pragma once
// Data shared by threads lives in Locked<T>; nobody reaches it without the lock.

#include <condition_variable>
#include <mutex>
#include <utility>

namespace ecluse {

template <typename T>
class Locked {
 public:
  Locked() = default;
  explicit Locked(T value) : value_(std::move(value)) {}

  /// Calls `f(T&)` under the lock and returns what it returns.
  template <typename F>
  auto with(F&& f) {
    std::lock_guard guard(mutex_);
    return std::forward<F>(f)(value_);
  }
  template <typename F>
  auto with(F&& f) const {
    std::lock_guard guard(mutex_);
    return std::forward<F>(f)(static_cast<const T&>(value_));
  }
  /// Changes the value by `f(T&)` and wakes all that wait.
  template <typename F>
  void change(F&& f) {
    {
      std::lock_guard guard(mutex_);
      std::forward<F>(f)(value_);
    }
    changed_.notify_all();
  }
  /// Waits until `ready(const T&)` or `timeout` has passed, then returns `f(T&)`.
  template <typename Timeout, typename Ready, typename F>
  auto when(Timeout timeout, Ready&& ready, F&& f) {
    std::unique_lock guard(mutex_);
    changed_.wait_for(guard, timeout, [&] { return ready(static_cast<const T&>(value_)); });
    return std::forward<F>(f)(value_);
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  T value_{};
};

}  // namespace ecluse
