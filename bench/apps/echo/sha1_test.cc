#include "sha1.h"

#include <gtest/gtest.h>

namespace ecluse::echo {
namespace {

TEST(WebsocketAccept, AnswersTheExampleOfTheRfc) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Base64, PadsWhatDoesNotFillThreeBytes) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
}

TEST(Sha1, SpansBlocks) {
  const auto digest = sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
  EXPECT_EQ(digest[0], 0x84);
  EXPECT_EQ(digest[19], 0xf1);
}

}  // namespace
}  // namespace ecluse::echo
