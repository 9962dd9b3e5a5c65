#pragma once
// Follows the frames in what a client sends, beside nghttp2, which passes over two faults without a
// word to us: DATA on a stream that has ended (RFC 9113 section 6.1) and a PRIORITY frame that
// names its own stream (RFC 7540 section 5.3.1).

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace ecluse::gateway::http2 {

class FrameHeads {
 public:
  static constexpr std::uint8_t kData = 0;
  static constexpr std::uint8_t kPriority = 2;

  struct Head {
    std::uint8_t type = 0;
    std::int32_t stream = 0;
    std::int32_t named = 0;  ///< of PRIORITY: the stream it depends on
  };

  /// How many of `bytes` come before something is to be looked at: all of them, or up to the end of
  /// a head of DATA or PRIORITY, which head() then has.
  std::size_t pass(std::string_view bytes) {
    has_head_ = false;
    std::size_t at = 0;
    while (at < bytes.size() && !has_head_) {
      const std::string_view rest = bytes.substr(at);
      at += skip_ > 0 ? pass_payload(rest) : pass_head(rest);
    }
    return at;
  }
  bool has_head() const { return has_head_; }
  /// Of the frame whose head the last pass() ended with.
  Head head() const {
    return {type(), number_at(kStreamAt), type() == kPriority ? number_at(kHeadBytes) : 0};
  }

 private:
  static constexpr std::uint32_t kPrefaceBytes = 24;
  static constexpr std::size_t kHeadBytes = 9;
  static constexpr std::size_t kNamedBytes = 4;
  static constexpr std::size_t kTypeAt = 3;
  static constexpr std::size_t kStreamAt = 5;

  std::uint8_t type() const { return head_[kTypeAt]; }
  std::uint32_t length() const {
    return (std::uint32_t{head_[0]} << 16) | (std::uint32_t{head_[1]} << 8) | head_[2];
  }
  /// 31 bits: the first of them is reserved, or says something else.
  std::int32_t number_at(std::size_t at) const {
    std::uint32_t number = 0;
    for (std::size_t i = at; i < at + 4; ++i) number = (number << 8) | head_[i];
    return static_cast<std::int32_t>(number & 0x7fffffff);
  }
  std::size_t wanted() const {
    const bool names = have_ >= kHeadBytes && type() == kPriority && length() >= kNamedBytes;
    return names ? kHeadBytes + kNamedBytes : kHeadBytes;
  }
  std::size_t pass_payload(std::string_view bytes) {
    const std::size_t n = std::min<std::size_t>(skip_, bytes.size());
    skip_ -= static_cast<std::uint32_t>(n);
    return n;
  }
  std::size_t pass_head(std::string_view bytes) {
    const std::size_t n = std::min(wanted() - have_, bytes.size());
    std::copy_n(bytes.begin(), n, head_.begin() + have_);
    have_ += n;
    if (have_ == wanted()) end_head();
    return n;
  }
  void end_head() {
    skip_ = length() - static_cast<std::uint32_t>(have_ - kHeadBytes);
    has_head_ = type() == kData || have_ > kHeadBytes;
    have_ = 0;
  }

  std::array<std::uint8_t, kHeadBytes + kNamedBytes> head_{};
  std::size_t have_ = 0;
  std::uint32_t skip_ = kPrefaceBytes;
  bool has_head_ = false;
};

}  // namespace ecluse::gateway::http2
