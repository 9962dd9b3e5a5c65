#include "gateway/http1_chunked.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace ecluse::gateway::http1 {

namespace {
struct Decoded {
  std::string body;
  bool done = false;
  Fault fault = Fault::kNone;
  std::size_t consumed = 0;
};

Decoded decode_in_slices(const std::string& bytes, std::size_t slice,
                         const ChunkBounds& bounds = {}) {
  ChunkedDecoder decoder;
  Decoded decoded;
  for (std::size_t at = 0; at < bytes.size() && !decoder.done(); at += slice) {
    std::string part = bytes.substr(at, slice);
    const auto progress = decoder.decode({part.data(), part.size()}, bounds);
    decoded.body.append(part, 0, progress.produced);
    decoded.consumed += progress.consumed;
    if (decoder.fault() != Fault::kNone) break;
  }
  decoded.done = decoder.done();
  decoded.fault = decoder.fault();
  return decoded;
}

std::string encode(const std::vector<std::string>& chunks) {
  std::string bytes;
  for (const std::string& chunk : chunks) {
    if (chunk.empty()) continue;
    std::array<char, 18> line{};
    bytes.append(line.data(), write_chunk_size(chunk.size(), line.data()));
    bytes += chunk + "\r\n";
  }
  return bytes + "0\r\n\r\n";
}
}  // namespace

RC_GTEST_PROP(ChunkedDecoder, ReturnsWhatWasEncodedHoweverItIsSliced,
              (const std::vector<std::string>& chunks)) {
  const auto slice = *rc::gen::inRange<std::size_t>(1, 40);
  std::string body;
  for (const auto& chunk : chunks) body += chunk;
  const std::string bytes = encode(chunks);
  const Decoded decoded = decode_in_slices(bytes + "GET /next", slice);
  RC_ASSERT(decoded.done);
  RC_ASSERT(decoded.body == body);
  RC_ASSERT(decoded.consumed == bytes.size());
}

TEST(ChunkedDecoder, DropsExtensionsAndTrailers) {
  const Decoded decoded =
      decode_in_slices("3;a=b;c=\"d\"\r\nabc\r\n0;x\r\nTrailer: t\r\nOther: u\r\n\r\n", 1);
  EXPECT_TRUE(decoded.done);
  EXPECT_EQ(decoded.body, "abc");
}

TEST(ChunkedDecoder, ReadsEveryFormOfAnExtension) {
  for (const std::string extension :
       {";a", " ;a", "\t; a", ";a=b", ";a = b", ";a ;b", ";a=b ; c", ";a=\"\"", ";a=\"b;c=d\"",
        ";a= \"b\\\"c\" ;d", ";a=\"\t\xe9\";b=!#"}) {
    const Decoded decoded = decode_in_slices("1" + extension + "\r\na\r\n0\r\n\r\n", 1);
    EXPECT_TRUE(decoded.done) << extension;
    EXPECT_EQ(decoded.body, "a") << extension;
  }
}

TEST(ChunkedDecoder, RefusesAnExtensionThatOthersMayReadOtherwise) {
  for (const std::string extension :
       {";", ";;a", ";=b", ";a=", ";a=;b", ";a b", ";a ", ";a=b ", ";a=b c", ";a=\"b", ";a=\"b\\",
        ";a=\"b\"c", ";a=\"b\x01\"", ";a=b=c", ";(a)", ";a=\"\n\"", ";a=\"\\\r\""}) {
    const std::string bytes = "1" + extension + "\r\na\r\n0\r\n\r\n";
    EXPECT_EQ(decode_in_slices(bytes, 1).fault, Fault::kMalformed) << extension;
  }
}

TEST(ChunkedDecoder, RefusesWhatIsNotExactlyRight) {
  for (const std::string bytes :
       {"\r\n", "g\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\na\r\n", "1 \r\na\r\n", "1\na\r\n",
        "1\r\nab\r\n", "1\r\na\n0\r\n\r\n", "1\r\na\rX", "1;\ra\r\n", "1;a\nb\r\n",
        "0\r\n bad: fold\r\n\r\n", "0\r\nno-colon\r\n\r\n", "0\r\na\x01: b\r\n\r\n",
        "0\r\na: b\n\r\n", "1000000000000000\r\n", "FFFFFFFFFFFFFFFFF\r\n"}) {
    for (const std::size_t slice : {std::size_t{1}, bytes.size()}) {
      EXPECT_NE(decode_in_slices(bytes, slice).fault, Fault::kNone) << bytes;
    }
  }
}

TEST(ChunkedDecoder, BoundsTheSizeLineAndTheTrailers) {
  const ChunkBounds bounds{.line_bytes_max = 16, .trailer_bytes_max = 32};
  EXPECT_EQ(decode_in_slices("1;" + std::string(30, 'x') + "\r\na\r\n", 1, bounds).fault,
            Fault::kChunkLineTooLong);
  EXPECT_EQ(decode_in_slices("0\r\nA: " + std::string(40, 'x') + "\r\n\r\n", 1, bounds).fault,
            Fault::kHeadTooLarge);
  EXPECT_TRUE(decode_in_slices("0000000001\r\na\r\n0\r\n\r\n", 1, bounds).done);
}

}  // namespace ecluse::gateway::http1
