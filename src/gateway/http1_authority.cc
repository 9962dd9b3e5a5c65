// Which host and port a request names: RFC 3986 section 3.2.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "gateway/http1_chars.h"
#include "gateway/http1_head.h"

namespace ecluse::gateway::http1 {

namespace {
bool is_valid_port(std::string_view port) {
  std::uint32_t value = 0;
  const char* const end = port.data() + port.size();
  const auto read = std::from_chars(port.data(), end, value);
  return port.size() <= 5 && read.ec == std::errc() && read.ptr == end && value >= 1 &&
         value <= 65535;
}

bool is_ipv6_address(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) return false;
  std::copy(text.begin(), text.end(), terminated.begin());
  in6_addr ignored{};
  return ::inet_pton(AF_INET6, terminated.data(), &ignored) == 1;
}
}  // namespace

bool is_valid_authority(std::string_view authority, std::string_view& host) {
  constexpr std::size_t kHostBytesMax = 255;
  std::size_t end = 0;
  if (authority.starts_with('[')) {
    end = authority.find(']');
    if (end == std::string_view::npos || !is_ipv6_address(authority.substr(1, end - 1))) {
      return false;
    }
    ++end;
  } else {
    end = std::min(authority.find(':'), authority.size());
    if (end == 0 || !all_in(kHostChars, authority.substr(0, end))) return false;
  }
  host = authority.substr(0, end);
  if (host.size() > kHostBytesMax) return false;
  const std::string_view rest = authority.substr(end);
  return rest.empty() || rest == ":" || (rest.front() == ':' && is_valid_port(rest.substr(1)));
}

std::string_view without_empty_port(std::string_view authority) {
  if (authority.ends_with(':')) authority.remove_suffix(1);
  return authority;
}

}  // namespace ecluse::gateway::http1
