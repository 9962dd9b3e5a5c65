#pragma once
// "127.0.0.1:8080" and the sockets that listen there.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/fd.h"

namespace ecluse::gateway {

struct ListenAddress {
  std::string host;  ///< an IPv4 or IPv6 address, never a name
  std::uint16_t port = 0;
  bool is_tls = false;  ///< whoever connects begins with a handshake
};
/// Invalid unless it is ADDRESS:PORT or [ADDRESS]:PORT.
Result<ListenAddress> parse_listen_address(std::string_view text);
std::string to_string(const ListenAddress& address);

/// `count` sockets that share the address by SO_REUSEPORT, or on a kernel without it one and its
/// duplicates; with port 0 the kernel chooses, and
/// `address.port` says what. Conflict: another program listens there.
Result<std::vector<os::Fd>> open_shards(ListenAddress& address, std::size_t count);
/// Another descriptor of the same socket. Exhausted: none is left.
Result<os::Fd> duplicate(const os::Fd& socket);
/// A blocking connection with a deadline for each call on it. A wildcard becomes loopback.
Result<os::Fd> connect_blocking(const ListenAddress& address, int timeout_ms);

}  // namespace ecluse::gateway
