#include "gateway/pacing.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>
#include <string_view>

namespace ecluse::gateway {

namespace {
constexpr std::string_view kUnpaced = "reno";  // the kernel cannot be built without it
constexpr std::size_t kNameBytesMax = 16;      // TCP_CA_NAME_MAX, Linux

bool is_loopback(const sockaddr& address) {
  constexpr std::uint32_t kNetwork = 127;
  if (address.sa_family == AF_INET) {
    return ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24 == kNetwork;
  }
  return address.sa_family == AF_INET6 &&
         IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

bool paces(int socket) {
  std::array<char, kNameBytesMax> name{};
  socklen_t length = name.size() - 1;
  return ::getsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name.data(), &length) == 0 &&
         std::string_view(name.data()).starts_with("bbr");
}
}  // namespace

void stop_pacing(int socket, const sockaddr& address) {
  if (!is_loopback(address) || !paces(socket)) return;
  (void)::setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, kUnpaced.data(), kUnpaced.size());
}

}  // namespace ecluse::gateway
