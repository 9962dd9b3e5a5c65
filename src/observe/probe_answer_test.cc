#include "observe/probe_answer.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace ecluse::observe {
namespace {

TEST(ProbeAnswer, ReadsStatusAndBody) {
  const auto read = read_answer("HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nbang");
  ASSERT_TRUE(read.answer);
  EXPECT_EQ(read.answer->status, 500);
  EXPECT_EQ(read.answer->body, "bang");
  EXPECT_TRUE(read.answer->complete);
}

TEST(ProbeAnswer, WaitsForTheRestOfTheHead) {
  const auto read = read_answer("HTTP/1.1 200 OK\r\nContent-Le");
  EXPECT_FALSE(read.answer);
  EXPECT_FALSE(read.fault);
}

TEST(ProbeAnswer, KnowsAnUnfinishedBody) {
  EXPECT_FALSE(read_answer("HTTP/1.1 500 x\r\nContent-Length: 9\r\n\r\nbang").answer->complete);
  EXPECT_FALSE(read_answer("HTTP/1.1 500 x\r\n\r\nuntil it closes").answer->complete);
}

TEST(ProbeAnswer, ShowsAChunkWithoutItsSize) {
  const auto read =
      read_answer("HTTP/1.1 500 x\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbang\r\n0\r\n\r\n");
  EXPECT_TRUE(read.answer->body.starts_with("bang"));
  EXPECT_TRUE(read.answer->complete);
}

TEST(ProbeAnswer, SkipsInterimAnswers) {
  const auto read =
      read_answer("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No\r\n\r\n");
  ASSERT_TRUE(read.answer);
  EXPECT_EQ(read.answer->status, 204);
}

TEST(ProbeAnswer, KeepsTheFirst200BytesOfALongBody) {
  const auto read = read_answer("HTTP/1.1 500 x\r\n\r\n" + std::string(5000, 'b'));
  EXPECT_EQ(read.answer->body, std::string(200, 'b'));
  EXPECT_TRUE(read.answer->complete);
}

TEST(ProbeAnswer, SaysWhatIsNotHttp) {
  EXPECT_EQ(read_answer("SSH-2.0-OpenSSH").fault, AnswerFault::kNotHttp);
  EXPECT_EQ(read_answer("HTTP/1.1 abc\r\n\r\n").fault, AnswerFault::kNotHttp);
  EXPECT_EQ(read_answer("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x')).fault,
            AnswerFault::kHeadTooLarge);
}

TEST(ProbeAnswer, GoodIs200To399) {
  EXPECT_FALSE(is_success(199));
  EXPECT_TRUE(is_success(200));
  EXPECT_TRUE(is_success(302));
  EXPECT_TRUE(is_success(399));
  EXPECT_FALSE(is_success(400));
}

TEST(ProbeAnswer, SurvivesAnyBytes) {
  rc::check([](const std::string& head, const std::string& body) {
    const auto read = read_answer("HTTP/1.1 200 OK\r\n" + head + "\r\n\r\n" + body);
    RC_ASSERT(!read.answer || read.answer->body.size() <= kEvidenceBytesMax);
  });
}

}  // namespace
}  // namespace ecluse::observe
