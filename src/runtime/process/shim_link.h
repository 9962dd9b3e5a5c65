#pragma once
// A connection to a shim's socket.

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "os/fd.h"
#include "ports/runtime.h"

namespace ecluse::runtime {

/// What a shim says of itself, from its socket or from status.json.
struct ShimReport {
  std::string event;  ///< "started", "exited", "crash-looping", "stopped", "adopted" or empty
  ports::InstanceState state = ports::InstanceState::kStarting;
  int pid = 0;
  std::uint64_t pid_start = 0;
  int shim_pid = 0;
  std::uint64_t shim_start = 0;
  std::uint32_t starts = 0;
  std::optional<int> last_exit;
  bool timed_out = false;
  bool done = false;
  std::string boot;
  std::string error;
};
Result<ShimReport> parse_report(const std::string& line);
/// From `folder`/status.json; NotFound before the first one.
Result<ShimReport> read_report(const std::filesystem::path& folder);

/// Not thread-safe. Whoever connects is told nothing until it asks.
class ShimLink {
 public:
  static Result<ShimLink> connect(const std::filesystem::path& run_folder);

  Result<void> send(std::string_view word);
  /// The next line, or nothing when none came within `timeout`. NotFound: the shim has hung up.
  Result<std::optional<std::string>> receive(std::chrono::milliseconds timeout);
  int fd() const { return fd_.get(); }

 private:
  os::Fd fd_;
  std::string input_;
};

}  // namespace ecluse::runtime
