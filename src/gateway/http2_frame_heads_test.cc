#include "gateway/http2_frame_heads.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace ecluse::gateway::http2 {
namespace {

struct Frame {
  std::uint8_t type;
  std::uint32_t stream;
  std::string payload;
};

std::string bytes_of(std::uint32_t number, int count) {
  std::string bytes;
  for (int shift = 8 * (count - 1); shift >= 0; shift -= 8) {
    bytes += static_cast<char>((number >> shift) & 0xff);
  }
  return bytes;
}
std::string bytes_of(const Frame& frame) {
  return bytes_of(static_cast<std::uint32_t>(frame.payload.size()), 3) +
         static_cast<char>(frame.type) + '\1' + bytes_of(frame.stream, 4) + frame.payload;
}

struct Seen {
  std::size_t at;  ///< behind so many bytes
  int type;
  int stream;
  int named;
  bool operator==(const Seen&) const = default;
};
void showValue(const Seen& seen, std::ostream& os) {
  os << seen.at << ':' << seen.type << ':' << seen.stream << ':' << seen.named;
}

std::vector<Seen> follow(std::string_view bytes, std::size_t slice_bytes) {
  FrameHeads heads;
  std::vector<Seen> seen;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t n = heads.pass(bytes.substr(at, slice_bytes));
    at += n;
    if (!heads.has_head()) continue;
    const FrameHeads::Head head = heads.head();
    seen.push_back({at, head.type, head.stream, head.named});
  }
  return seen;
}

const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

RC_GTEST_PROP(FrameHeads, AreSeenAtTheirEndsHoweverTheBytesAreSliced, ()) {
  std::string bytes = kPreface;
  std::vector<Seen> expected;
  for (int i = *rc::gen::inRange(0, 12); i > 0; --i) {
    const Frame frame{*rc::gen::inRange<std::uint8_t>(0, 12), *rc::gen::inRange(0U, 0x80000000U),
                      std::string(*rc::gen::inRange(0U, 40U), *rc::gen::arbitrary<char>())};
    const bool names = frame.type == FrameHeads::kPriority && frame.payload.size() >= 4;
    if (frame.type == FrameHeads::kData || names) {
      const auto byte = static_cast<std::uint8_t>(frame.payload.empty() ? 0 : frame.payload[0]);
      const int named = names ? static_cast<int>(0x01010101U * byte & 0x7fffffff) : 0;
      expected.push_back(
          {bytes.size() + (names ? 13 : 9), frame.type, static_cast<int>(frame.stream), named});
    }
    bytes += bytes_of(frame);
  }
  RC_ASSERT(follow(bytes, *rc::gen::inRange<std::size_t>(1, bytes.size() + 1)) == expected);
}

TEST(FrameHeads, AStreamNumberHasThirtyOneBits) {
  const std::string bytes = kPreface + bytes_of({FrameHeads::kData, 0x80000003, "x"}) +
                            bytes_of({FrameHeads::kPriority, 5, bytes_of(0x80000005, 4) + "w"});
  const std::vector<Seen> expected{{33, FrameHeads::kData, 3, 0},
                                   {47, FrameHeads::kPriority, 5, 5}};
  EXPECT_EQ(follow(bytes, bytes.size()), expected);
}

}  // namespace
}  // namespace ecluse::gateway::http2
