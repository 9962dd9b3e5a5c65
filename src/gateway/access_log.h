#pragma once
// One JSON line for each request, or for one of every N, in a file that is rotated by size and
// count. Lines are written by a thread of their own: a slow disk costs lines, which are counted,
// and never a request. Format: docs/gateway.md.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/locked.h"
#include "gateway/bounds.h"
#include "os/fd.h"

namespace ecluse::gateway {

/// What a line says. Never a query, a cookie or any other field of the request.
struct AccessNote {
  std::string id;  ///< the X-Request-ID that the app saw; empty: no app was asked
  std::string site;
  std::string instance;
  std::string client;
  std::string method;
  std::string host;
  std::string path;  ///< without its query; at most kPathBytesMax
  std::uint32_t release = 0;
  bool is_on_trial = false;
  std::int64_t arrived_us = 0;  ///< on the thread's clock
  std::int64_t head_us = 0;     ///< when the answer's head was there; 0: never
  std::uint64_t bytes_in = 0;   ///< of bodies
  std::uint64_t bytes_out = 0;
  int status = 0;  ///< 0: the connection ended without an answer
  int attempts = 1;

  static constexpr std::size_t kPathBytesMax = 1024;
};
/// Without its end; `took_us` from arrival to end, `ended_ms` since 1970.
std::string access_line(const AccessNote& note, std::int64_t took_us, std::int64_t ended_ms);

/// Thread-safe.
class AccessLog {
 public:
  static constexpr std::size_t kQueuedLinesMax = 65536;

  AccessLog(std::filesystem::path file, std::uint64_t bytes_max, std::uint64_t files_max);
  /// Writes what is queued.
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  /// One request of every `n` is logged from now on; 0: none.
  void log_every(std::uint32_t n) { every_.store(n, std::memory_order_relaxed); }
  bool is_on() const { return every_.load(std::memory_order_relaxed) != 0; }
  bool picks(std::uint64_t random) const {
    const std::uint32_t every = every_.load(std::memory_order_relaxed);
    return every != 0 && random % every == 0;
  }
  void put(std::string line);
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  struct Desk {
    std::vector<std::string> lines;
    bool ends = false;
  };
  void run();
  void write(const std::vector<std::string>& lines);
  bool open_if_moved();
  void rotate();

  const std::filesystem::path file_;
  const std::uint64_t bytes_max_;
  const std::uint64_t files_max_;
  std::atomic<std::uint32_t> every_{0};
  std::atomic<std::uint64_t> dropped_{0};
  os::Fd fd_;
  Locked<Desk> desk_;
  std::thread thread_;
};

}  // namespace ecluse::gateway
