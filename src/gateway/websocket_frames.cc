#include "gateway/websocket_frames.h"

#include <algorithm>

namespace ecluse::gateway {

namespace {
constexpr std::uint8_t kMaskBit = 0x80;
constexpr std::uint8_t kLengthBits = 0x7f;

std::size_t length_bytes(std::uint8_t second) {
  const std::uint8_t length = second & kLengthBits;
  if (length == 127) return 8;
  return length == 126 ? 2 : 0;
}
}  // namespace

std::size_t WebsocketFrames::bytes_to_boundary(std::string_view bytes) const {
  WebsocketFrames copy = *this;
  std::size_t passed = 0;
  while (passed < bytes.size() && (passed == 0 || !copy.at_boundary())) {
    const std::size_t step =
        copy.payload_left_ > 0 ? std::min<std::uint64_t>(copy.payload_left_, bytes.size() - passed)
                               : 1;
    copy.pass(bytes.substr(passed, step));
    passed += step;
  }
  return passed;
}

void WebsocketFrames::pass(std::string_view bytes) {
  while (!bytes.empty()) {
    if (payload_left_ > 0) {
      const std::size_t n = std::min<std::uint64_t>(payload_left_, bytes.size());
      payload_left_ -= n;
      bytes.remove_prefix(n);
    } else {
      take_header_byte(static_cast<unsigned char>(bytes.front()));
      bytes.remove_prefix(1);
    }
  }
}

std::size_t WebsocketFrames::header_bytes_max() const {
  if (header_bytes_ < 2) return 2;
  return 2 + length_bytes(second_) + ((second_ & kMaskBit) != 0 ? 4 : 0);
}

void WebsocketFrames::take_header_byte(unsigned char byte) {
  ++header_bytes_;
  if (header_bytes_ == 2) {
    second_ = byte;
    length_ = length_bytes(byte) > 0 ? 0 : byte & kLengthBits;
  } else if (header_bytes_ > 2 && header_bytes_ <= 2 + length_bytes(second_)) {
    length_ = (length_ << 8) | byte;
  }
  if (header_bytes_ >= 2 && header_bytes_ == header_bytes_max()) end_header();
}

void WebsocketFrames::end_header() {
  payload_left_ = length_;
  header_bytes_ = 0;
  second_ = 0;
  length_ = 0;
}

}  // namespace ecluse::gateway
