#pragma once
// SHA-1 (FIPS 180-4) and base64 (RFC 4648): a WebSocket handshake needs them, nothing else does.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace ecluse::echo {

std::array<std::uint8_t, 20> sha1(std::string_view text);
std::string base64(std::string_view bytes);
/// The Sec-WebSocket-Accept that answers `key` (RFC 6455, section 4.2.2).
std::string websocket_accept(std::string_view key);

}  // namespace ecluse::echo
