#pragma once
// Where the load goes: this machine, and nowhere else.

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "os/fd.h"

namespace ecluse::load {

struct Target {
  sockaddr_storage address{};
  socklen_t address_bytes = 0;
  std::string host;  ///< the Host field
};

/// "127.0.0.1:8080" or "[::1]:8080"; Refused for any address that is not loopback.
Result<Target> parse_target(std::string_view text, std::string host);

struct Connecting {
  os::Fd fd;
  int error = 0;  ///< errno when it failed at once
};
/// A connection under way, not blocking. `receive_bytes` bounds the kernel's buffer; 0: its
/// default.
Connecting connect_to(const Target& target, int receive_bytes);

}  // namespace ecluse::load
