#pragma once
// What nghttp2 calls and how it is set up: each callback hands on to the session of its connection.

#include <array>
#include <cstdint>

struct nghttp2_option;
struct nghttp2_session_callbacks;

namespace ecluse::gateway::http2 {

/// The PING whose answer says that the client has read our first goodbye.
inline constexpr std::array<std::uint8_t, 8> kGoodbyePing{'g', 'o', 'o', 'd', 'b', 'y', 'e', '!'};

/// Made once, never freed: all sessions of all threads share them. Null: out of memory.
nghttp2_session_callbacks* callbacks();
nghttp2_option* options();

}  // namespace ecluse::gateway::http2
