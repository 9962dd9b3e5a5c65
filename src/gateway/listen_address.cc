#include "gateway/listen_address.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/text.h"
#include "gateway/kernel_features.h"
#include "gateway/pacing.h"

namespace ecluse::gateway {

namespace {
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

bool to_socket_address(const ListenAddress& address, SocketAddress& out) {
  auto& v4 = reinterpret_cast<sockaddr_in&>(out.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(out.storage);
  if (::inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    out.length = sizeof v4;
    return true;
  }
  if (::inet_pton(AF_INET6, address.host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    out.length = sizeof v6;
    return true;
  }
  return false;
}

std::uint16_t bound_port(int fd) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (::getsockname(fd, address.get(), &address.length) != 0) return 0;
  return ntohs(reinterpret_cast<sockaddr_in&>(address.storage).sin_port);  // same place in v6
}
}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const auto refuse = [&] {
    return fail(ErrorKind::kInvalid, fmt::format("'{}' is no address with a port", printable(text)),
                "write ADDRESS:PORT, for example 127.0.0.1:8080 or [::]:8080");
  };
  if (colon == std::string_view::npos) return refuse();
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  ListenAddress address{std::string(host), 0};
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  const bool is_port = parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size();
  SocketAddress ignored;
  if (!is_port || digits.empty() || !to_socket_address(address, ignored)) return refuse();
  return address;
}

std::string to_string(const ListenAddress& address) {
  const bool is_v6 = address.host.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", address.host, address.port)
               : fmt::format("{}:{}", address.host, address.port);
}

namespace {
Result<os::Fd> open_shard(const ListenAddress& address) {
  constexpr int kBacklog = 4096;
  SocketAddress target;
  if (!to_socket_address(address, target)) {
    return fail(ErrorKind::kInvalid, fmt::format("'{}' is no address", address.host));
  }
  os::Fd fd(::socket(target.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail(from_errno(errno, "socket"));
  const int on = 1;
  const bool shares = kernel_features().reuse_port;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      (shares && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)) {
    return fail(from_errno(errno, "setsockopt SO_REUSEPORT"));
  }
  // Accepted sockets inherit it. Best effort: without it, answers in several pieces may wait for
  // an acknowledgement.
  (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  stop_pacing(fd.get(), *target.get());
  if (::bind(fd.get(), target.get(), target.length) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return fail(from_errno(errno, fmt::format("listen on {}", to_string(address))));
  }
  return fd;
}

/// SO_REUSEPORT would let us share the port with another gateway of the same user: a plain bind
/// tells whether anybody has it.
Result<void> check_unused(const ListenAddress& address) {
  if (address.port == 0) return {};
  SocketAddress target;
  if (!to_socket_address(address, target)) return {};
  const os::Fd fd(::socket(target.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
    return fail(from_errno(errno, "socket"));
  }
  if (::bind(fd.get(), target.get(), target.length) == 0) return {};
  if (errno != EADDRINUSE) {
    return fail(from_errno(errno, fmt::format("listen on {}", to_string(address))));
  }
  return fail(ErrorKind::kConflict,
              fmt::format("another program listens on {} already", to_string(address)),
              fmt::format("`ss -ltnp 'sport = :{}'` says which", address.port));
}
}  // namespace

Result<os::Fd> duplicate(const os::Fd& socket) {
  os::Fd copy(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return fail(from_errno(errno, "dup"));
  return copy;
}

Result<std::vector<os::Fd>> open_shards(ListenAddress& address, std::size_t count) {
  ECLUSE_TRY(check_unused(address));
  std::vector<os::Fd> shards;
  while (shards.size() < count) {
    const bool repeats = !shards.empty() && !kernel_features().reuse_port;
    ECLUSE_ASSIGN(os::Fd shard, repeats ? duplicate(shards.front()) : open_shard(address));
    if (address.port == 0) address.port = bound_port(shard.get());
    shards.push_back(std::move(shard));
  }
  return shards;
}

Result<os::Fd> connect_blocking(const ListenAddress& address, int timeout_ms) {
  ListenAddress reachable = address;
  if (reachable.host == "0.0.0.0") reachable.host = "127.0.0.1";
  if (reachable.host == "::") reachable.host = "::1";
  SocketAddress target;
  if (!to_socket_address(reachable, target)) {
    return fail(ErrorKind::kInvalid, fmt::format("'{}' is no address", address.host));
  }
  os::Fd fd(::socket(target.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail(from_errno(errno, "socket"));
  const timeval timeout{timeout_ms / 1000, (timeout_ms % 1000) * 1000};
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
      ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0) {
    return fail(from_errno(errno, "setsockopt SO_RCVTIMEO"));
  }
  if (::connect(fd.get(), target.get(), target.length) != 0) {
    return fail(from_errno(errno, fmt::format("connect to {}", to_string(reachable))));
  }
  return fd;
}

}  // namespace ecluse::gateway
