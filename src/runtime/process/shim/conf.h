#pragma once
// What the runtime tells its shim: one flat file of `key=value` lines, so that the shim needs no
// JSON. Format: docs/runtime.md.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ecluse::shim {

struct Bind {
  std::string source;  ///< absolute, on the host
  std::string target;  ///< absolute, inside
  bool writable = false;
};

/// Stands in overlay options for a lower folder that must be mounted first.
constexpr std::string_view kLowerPlace = "@lower";

/// Where the app lives. Absent without privileges: then it sees the host as it is.
struct Surroundings {
  std::string root;         ///< an empty folder to build the new root on
  std::string app_overlay;  ///< overlayfs options for /app; empty: an empty /app
  std::string app_lower;  ///< folder to show as the app's own; replaces kLowerPlace in app_overlay
  std::string etc_overlay;  ///< overlayfs options for /etc
  std::uint64_t tmp_bytes_max = 64 << 20;
  std::vector<Bind> binds;
};

struct Conf {
  std::string id;
  std::vector<std::string> argv;
  std::vector<std::string> env;  ///< NAME=VALUE, without secrets; wins over the env file
  std::string workdir = "/";
  std::optional<std::uint32_t> uid;  ///< and gid; absent: whoever runs the shim
  std::optional<Surroundings> surroundings;
  std::vector<std::string> cgroups;  ///< folders to join; the first is asked for its processes
  std::string shim_cgroup;           ///< where the shim itself goes; empty: it stays
  int stop_signal = 15;
  bool stop_main_only = false;
  std::int64_t stop_grace_ms = 30'000;
  bool restart = true;
  std::int64_t timeout_ms = 0;  ///< of a job; 0: none
  int oom_score_adj = 0;
  std::int64_t backoff_first_ms = 200;
  std::int64_t backoff_ms_max = 30'000;
  std::int64_t stable_ms = 60'000;  ///< a run this long forgets earlier exits
  int crash_exits = 5;              ///< so many exits within the window: a crash loop
  std::int64_t crash_window_ms = 120'000;
  std::uint64_t log_bytes_max = 10 << 20;  ///< of one log file
  int log_files_max = 5;
};

Result<Conf> parse_conf(std::string_view text);
std::string write_conf(const Conf& conf);

}  // namespace ecluse::shim
