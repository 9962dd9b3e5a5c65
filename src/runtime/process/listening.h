#pragma once
// Who listens on what, from /proc/PID/net/tcp and tcp6 (proc_net_tcp in the kernel's documents).

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ports/runtime.h"

namespace ecluse::runtime {

struct ListeningSocket {
  ports::Listener at;
  std::uint64_t inode = 0;
};

/// The listening sockets in a table of `/proc/.../net/tcp` or, when `v6`, `tcp6`.
std::vector<ListeningSocket> parse_listening(std::string_view table, bool v6);

/// Those of the whole network namespace of `pid`.
std::vector<ListeningSocket> listening_near(pid_t pid);
/// Those held open by one of `pids`, without doubles.
std::vector<ports::Listener> listening_of(const std::vector<pid_t>& pids);

bool is_loopback(std::string_view address);

}  // namespace ecluse::runtime
