#pragma once
// A worker process as its keeper knows it.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/fd.h"

namespace ecluse::gateway {

/// Rows of counters in shared memory: one for each thread of a worker process, its own as long as
/// it lives. Two processes serve at once during a hand-over, and neither may write the other's.
struct Rows {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  bool operator==(const Rows&) const = default;
};

/// The first free run of `count` rows; Exhausted when those who drain hold too many.
Result<Rows> free_rows(const std::vector<Rows>& busy, std::uint32_t count);

struct WorkerSeat {
  pid_t pid = 0;  ///< 0: nobody sits here
  os::Fd channel;
  Rows rows;
  std::chrono::steady_clock::time_point spawned_at;
  bool is_ready = false;  ///< it has said that it serves

  explicit operator bool() const { return pid != 0; }
};

/// Forks and executes `program` (any descriptor of it) with `arguments` and "--worker-fd N". What
/// the child may not inherit is close-on-exec; its signals are unblocked.
Result<WorkerSeat> start_worker(const os::Fd& program, const std::vector<std::string>& arguments);

/// The file as it is now: it is what runs, even if another takes its path.
Result<os::Fd> open_program(const std::string& path);
/// How execv() reaches it.
std::string path_of_program(const os::Fd& program);

}  // namespace ecluse::gateway
