#include "target.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace ecluse::load {
namespace {

bool fill_v4(Target& target, const std::string& address, std::uint16_t port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (inet_pton(AF_INET, address.c_str(), &v4.sin_addr) != 1) return false;
  std::memcpy(&target.address, &v4, sizeof v4);
  target.address_bytes = sizeof v4;
  return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
}

bool fill_v6(Target& target, const std::string& address, std::uint16_t port) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  if (inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) != 1) return false;
  std::memcpy(&target.address, &v6, sizeof v6);
  target.address_bytes = sizeof v6;
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

}  // namespace

Result<Target> parse_target(std::string_view text, std::string host) {
  const std::size_t colon = text.rfind(':');
  std::uint16_t port = 0;
  if (colon != std::string_view::npos) {
    const std::string_view digits = text.substr(colon + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), port);
  }
  if (port == 0) return fail(ErrorKind::kInvalid, fmt::format("'{}': expected ADDRESS:PORT", text));
  Target target;
  target.host = host.empty() ? std::string(text) : std::move(host);
  std::string address(text.substr(0, colon));
  const bool v6 = address.size() > 2 && address.front() == '[' && address.back() == ']';
  if (v6) address = address.substr(1, address.size() - 2);
  if (!(v6 ? fill_v6(target, address, port) : fill_v4(target, address, port)))
    return fail(ErrorKind::kRefused, fmt::format("'{}' is not a loopback address", text),
                "this client only ever loads the machine it runs on");
  return target;
}

Connecting connect_to(const Target& target, int receive_bytes) {
  os::Fd fd(socket(target.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return {{}, errno};
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_bytes > 0)
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  const auto* address = reinterpret_cast<const sockaddr*>(&target.address);
  if (connect(fd.get(), address, target.address_bytes) != 0 && errno != EINPROGRESS)
    return {{}, errno};
  return {std::move(fd), 0};
}

}  // namespace ecluse::load
