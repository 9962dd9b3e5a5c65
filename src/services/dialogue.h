#pragma once
// A short conversation over TCP with a deadline: what health checks need.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/fd.h"

namespace ecluse::services {

/// Blocking, until the deadline given at the start. Timeout and Unavailable say whom we talked to.
class Dialogue {
 public:
  static Result<Dialogue> open(const std::string& host, std::uint16_t port,
                               std::chrono::milliseconds timeout);
  Result<void> say(std::string_view bytes);
  /// What has been heard so far, at least `bytes_min`.
  Result<std::string_view> hear(std::size_t bytes_min);

 private:
  using Clock = std::chrono::steady_clock;
  Dialogue(std::string peer, Clock::time_point deadline)
      : peer_(std::move(peer)), deadline_(deadline) {}
  Result<void> connect(const std::string& host, std::uint16_t port);
  Result<void> await(short events);

  std::string peer_;
  Clock::time_point deadline_;
  os::Fd fd_;
  std::string heard_;
};

}  // namespace ecluse::services
