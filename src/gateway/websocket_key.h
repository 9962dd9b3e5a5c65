#pragma once
// The key of a WebSocket's handshake over HTTP/1.1, which we make for clients of HTTP/2.

#include <string>

namespace ecluse::gateway {

/// 16 random bytes in base64.
std::string random_websocket_key();
/// What a true WebSocket server answers to it (RFC 6455 section 4.2.2).
std::string websocket_accept_of(const std::string& key);

}  // namespace ecluse::gateway
