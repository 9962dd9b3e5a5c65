#pragma once
// What the shim tells the world: status.json, and the same line on its socket.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace ecluse::shim {

enum class State { kStarting, kRunning, kBackingOff, kCrashLooping, kStopping, kStopped };

struct Report {
  State state = State::kStarting;
  pid_t pid = 0;  ///< of the app; 0: none now
  std::uint64_t pid_start = 0;
  pid_t shim_pid = 0;
  std::uint64_t shim_start = 0;
  std::uint32_t starts = 0;
  std::optional<int> last_exit;
  bool timed_out = false;
  bool done = false;  ///< ended for good: a job's result, or stopped
  std::string boot;
  std::string error;  ///< why it could not be started, when it could not
  int error_kind = 0;
};

/// One line of JSON without its line end. `event`: "started", "exited"...; empty: none.
std::string to_json(const Report& report, const std::string& event = {});

}  // namespace ecluse::shim
