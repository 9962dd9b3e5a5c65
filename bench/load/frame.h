#pragma once
// WebSocket frames (RFC 6455, section 5), as a client needs them: short messages, unfragmented.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ecluse::load {

enum class Opcode : std::uint8_t { kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };

constexpr std::uint16_t kCloseNormal = 1000;
constexpr std::uint16_t kCloseServiceRestart = 1012;  ///< "come back": what a drain says

struct Frame {
  Opcode opcode = Opcode::kText;
  std::string payload;
};

/// A final frame of at most 65535 bytes, masked as a client must.
std::string client_frame(Opcode opcode, std::string_view payload, std::uint32_t mask);
std::string close_payload(std::uint16_t code);
/// The code of a close frame; 1005 ("none given") when it has none.
std::uint16_t close_code(const Frame& frame);

/// Cuts frames out of a stream.
class FrameReader {
 public:
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  /// The next whole frame, if it has arrived.
  std::optional<Frame> next();
  /// It was masked, fragmented, or longer than 65535 bytes: not what an echo of ours may be.
  bool malformed() const { return malformed_; }

 private:
  std::string buffer_;
  bool malformed_ = false;
};

}  // namespace ecluse::load
