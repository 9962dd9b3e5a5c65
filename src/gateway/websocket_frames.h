#pragma once
// Follows the frames of one direction of a WebSocket (RFC 6455 section 5.2) as its bytes pass, only
// to know where a frame ends: a close frame of ours may stand nowhere else.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ecluse::gateway {

class WebsocketFrames {
 public:
  /// How many of `bytes` belong to the frame under way; all of it if the frame does not end here.
  std::size_t bytes_to_boundary(std::string_view bytes) const;
  void pass(std::string_view bytes);
  bool at_boundary() const { return header_bytes_ == 0 && payload_left_ == 0; }

 private:
  void take_header_byte(unsigned char byte);
  void end_header();
  std::size_t header_bytes_max() const;

  std::uint8_t header_bytes_ = 0;
  std::uint8_t second_ = 0;  ///< mask bit and short length
  std::uint64_t length_ = 0;
  std::uint64_t payload_left_ = 0;
};

}  // namespace ecluse::gateway
