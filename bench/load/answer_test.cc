#include "answer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace ecluse::load {
namespace {

AnswerReader read(std::string_view bytes) {
  AnswerReader reader;
  reader.feed(bytes);
  return reader;
}

TEST(AnswerReader, ReadsABodyOfKnownLength) {
  const AnswerReader answer =
      read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Ecluse-Release: 7\r\n\r\nhello");
  EXPECT_TRUE(answer.done());
  EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.release(), "7");
  EXPECT_EQ(answer.body_bytes(), 5u);
  EXPECT_TRUE(answer.keep_alive());
}

TEST(AnswerReader, ReadsChunks) {
  const AnswerReader answer = read(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\n4;x=y\r\nwiki\r\nA\r\n0123456789\r\n0\r\n"
      "Trailer: t\r\n\r\n");
  EXPECT_TRUE(answer.done());
  EXPECT_EQ(answer.body_bytes(), 14u);
}

TEST(AnswerReader, AnswerCutShortIsNotDone) {
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell").done());
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n").done());
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nContent-Le").done());
}

TEST(AnswerReader, BodyWithoutLengthEndsWithTheStream) {
  AnswerReader answer = read("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  EXPECT_FALSE(answer.done());
  answer.end_of_stream();
  EXPECT_TRUE(answer.done());
  EXPECT_FALSE(answer.keep_alive());
}

TEST(AnswerReader, SkipsInterimAnswers) {
  const AnswerReader answer =
      read("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_TRUE(answer.done());
  EXPECT_EQ(answer.status(), 204);
}

TEST(AnswerReader, LeavesWhatFollowsAnUpgrade) {
  AnswerReader reader;
  const std::string_view bytes =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81";
  EXPECT_EQ(reader.feed(bytes), bytes.size() - 1);
  EXPECT_EQ(reader.status(), 101);
}

TEST(AnswerReader, ConnectionCloseAndHttp10AreNotKeptAlive) {
  EXPECT_FALSE(
      read("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").keep_alive());
  EXPECT_FALSE(read("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").keep_alive());
}

TEST(AnswerReader, GarbageIsMalformed) {
  EXPECT_TRUE(read("SSH-2.0-OpenSSH\r\n").malformed());
  EXPECT_TRUE(read("HTTP/1.1 200 OK\n").malformed());
  EXPECT_TRUE(read("HTTP/1.1 200 OK\r\nContent-Length: five\r\n").malformed());
  EXPECT_TRUE(read("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
                  .malformed());
}

RC_GTEST_PROP(AnswerReader, HowTheBytesAreCutMakesNoDifference, ()) {
  const std::string whole =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Load-Id: 9\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  AnswerReader reader;
  std::size_t position = 0;
  while (position < whole.size()) {
    const auto piece = *rc::gen::inRange<std::size_t>(1, whole.size() - position + 1);
    RC_ASSERT(reader.feed(std::string_view(whole).substr(position, piece)) == piece);
    position += piece;
  }
  RC_ASSERT(reader.done());
  RC_ASSERT(reader.load_id() == "9");
  RC_ASSERT(reader.body_bytes() == 3u);
}

}  // namespace
}  // namespace ecluse::load
