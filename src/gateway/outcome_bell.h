#pragma once
// Wakes those who wait for an error of a release on trial. Ringing costs one load while nobody
// waits, so that the threads that carry traffic may ring for each error.

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/locked.h"

namespace ecluse::gateway {

/// Thread-safe.
class OutcomeBell {
 public:
  /// Call after the record was written.
  void ring() {
    if (waiting_.load() > 0) rung_.change([](std::uint64_t& times) { ++times; });
  }

  /// Somebody waits for as long as this lives. What is written after it was made rings.
  class Waiting {
   public:
    explicit Waiting(OutcomeBell& bell) : bell_(bell) {
      bell_.waiting_.fetch_add(1);
      heard_ = bell_.rung_.with([](std::uint64_t times) { return times; });
    }
    ~Waiting() { bell_.waiting_.fetch_sub(1); }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    /// Returns when it has rung since the last call, at the latest after `patience`.
    void wait(std::chrono::milliseconds patience) {
      heard_ = bell_.rung_.when(
          patience, [this](std::uint64_t times) { return times != heard_; },
          [](std::uint64_t times) { return times; });
    }

   private:
    OutcomeBell& bell_;
    std::uint64_t heard_ = 0;
  };

 private:
  std::atomic<int> waiting_{0};
  Locked<std::uint64_t> rung_;
};

}  // namespace ecluse::gateway
