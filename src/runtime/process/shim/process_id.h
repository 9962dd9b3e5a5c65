#pragma once
// A process, told apart from a later one with the same number by its start time.

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace ecluse::shim {

struct ProcessStat {
  char state = 0;  ///< 'R', 'S', 'Z'...
  pid_t parent = 0;
  pid_t session = 0;
  std::uint64_t start_ticks = 0;  ///< since boot; 0: there is no such process
};
ProcessStat stat_of(pid_t pid);

/// Alive and the very one that started at `start_ticks`; a zombie is not.
bool is_alive(pid_t pid, std::uint64_t start_ticks);

std::string boot_id();

}  // namespace ecluse::shim
