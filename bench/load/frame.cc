#include "frame.h"

#include <algorithm>

namespace ecluse::load {
namespace {

constexpr std::size_t kShortMax = 125;
constexpr std::uint8_t kLength16 = 126;
constexpr std::uint8_t kLength64 = 127;

std::uint8_t byte_at(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint8_t>(bytes[i]);
}

}  // namespace

std::string client_frame(Opcode opcode, std::string_view payload, std::uint32_t mask) {
  payload = payload.substr(0, std::min<std::size_t>(payload.size(), 0xffff));
  std::string frame(1, static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode)));
  if (payload.size() <= kShortMax) {
    frame.push_back(static_cast<char>(0x80 | payload.size()));
  } else {
    frame.push_back(static_cast<char>(0x80 | kLength16));
    frame.push_back(static_cast<char>(payload.size() >> 8));
    frame.push_back(static_cast<char>(payload.size() & 0xff));
  }
  for (int i = 3; i >= 0; --i) frame.push_back(static_cast<char>(mask >> (8 * i)));
  for (std::size_t i = 0; i < payload.size(); ++i)
    frame.push_back(static_cast<char>(byte_at(payload, i) ^ (mask >> (8 * (3 - i % 4)))));
  return frame;
}

std::string close_payload(std::uint16_t code) {
  return {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
}

std::uint16_t close_code(const Frame& frame) {
  if (frame.payload.size() < 2) return 1005;
  return static_cast<std::uint16_t>(byte_at(frame.payload, 0) << 8 | byte_at(frame.payload, 1));
}

std::optional<Frame> FrameReader::next() {
  if (malformed_ || buffer_.size() < 2) return std::nullopt;
  std::size_t length = byte_at(buffer_, 1);
  malformed_ = (byte_at(buffer_, 0) & 0xf0) != 0x80 || length >= kLength64;
  if (malformed_) return std::nullopt;
  std::size_t head = 2;
  if (length == kLength16) {
    head = 4;
    if (buffer_.size() < head) return std::nullopt;
    length = static_cast<std::size_t>(byte_at(buffer_, 2)) << 8 | byte_at(buffer_, 3);
  }
  if (buffer_.size() < head + length) return std::nullopt;
  Frame frame{static_cast<Opcode>(byte_at(buffer_, 0) & 0x0f), buffer_.substr(head, length)};
  buffer_.erase(0, head + length);
  return frame;
}

}  // namespace ecluse::load
