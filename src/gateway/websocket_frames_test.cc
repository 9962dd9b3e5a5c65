#include "gateway/websocket_frames.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace ecluse::gateway {

namespace {
std::string frame(std::size_t payload, bool masked) {
  std::string bytes = "\x82";
  const char mask_bit = masked ? '\x80' : '\0';
  if (payload < 126) {
    bytes += static_cast<char>(mask_bit | static_cast<char>(payload));
  } else if (payload < 65536) {
    bytes += static_cast<char>(mask_bit | 126);
    bytes += static_cast<char>(payload >> 8);
    bytes += static_cast<char>(payload & 255);
  } else {
    bytes += static_cast<char>(mask_bit | 127);
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(payload >> shift);
  }
  return bytes + std::string(masked ? 4 : 0, 'm') + std::string(payload, 'x');
}
}  // namespace

RC_GTEST_PROP(WebsocketFrames, KnowsEveryBoundaryHoweverTheBytesAreSliced, ()) {
  const auto sizes = *rc::gen::nonEmpty(
      rc::gen::container<std::vector<int>>(rc::gen::element(0, 1, 125, 126, 127, 300, 66000)));
  const bool masked = *rc::gen::arbitrary<bool>();
  const auto slice = *rc::gen::inRange<std::size_t>(1, 5000);
  std::string bytes;
  for (const int size : sizes) bytes += frame(static_cast<std::size_t>(size), masked);
  WebsocketFrames frames;
  for (std::size_t at = 0; at < bytes.size(); at += slice) {
    frames.pass(std::string_view(bytes).substr(at, slice));
  }
  RC_ASSERT(frames.at_boundary());
  RC_ASSERT(frames.bytes_to_boundary(bytes) ==
            frame(static_cast<std::size_t>(sizes[0]), masked).size());
}

TEST(WebsocketFrames, SaysHowMuchIsLeftOfTheFrameUnderWay) {
  WebsocketFrames frames;
  const std::string bytes = frame(10, false);
  frames.pass(bytes.substr(0, 5));
  EXPECT_FALSE(frames.at_boundary());
  EXPECT_EQ(frames.bytes_to_boundary(bytes.substr(5) + frame(3, false)), 7U);
  EXPECT_EQ(frames.bytes_to_boundary("abc"), 3U);
}

}  // namespace ecluse::gateway
