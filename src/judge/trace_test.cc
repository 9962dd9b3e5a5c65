#include "judge/trace.h"

#include <gtest/gtest.h>

namespace ecluse::judge {
namespace {

using namespace std::chrono_literals;

TEST(Objectives, AreReadWithTheirDefaults) {
  const auto read = parse_objectives(
      R"({"alpha": 0.02, "abort_when": ["errors > 5%", "p95 > 2s", "crashes > 1%", "errors > 2x stable"]})");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->alpha, 0.02);
  EXPECT_EQ(read->beta, 0.05);
  ASSERT_EQ(read->abort_when.size(), 4U);
  EXPECT_NEAR(read->abort_when[1].share_max, 0.05, 1e-12);
  EXPECT_EQ(read->abort_when[1].latency_max, 2s);
  EXPECT_EQ(read->abort_when[3].metric, Metric::kRelative);
  EXPECT_EQ(read->abort_when[3].ratio_max, 2);
}

TEST(Objectives, NameAnUnknownFieldAndTheNearestOne) {
  const auto read = parse_objectives(R"({"aplha": 0.01})");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "unknown field \"aplha\"");
  EXPECT_EQ(read.error().hint, "did you mean \"alpha\"?");
}

TEST(Objectives, RefuseAnAlphaThatProvesNothing) {
  EXPECT_FALSE(parse_objectives(R"({"alpha": 1})"));
  EXPECT_FALSE(parse_objectives(R"({"alpha": 0})"));
  EXPECT_FALSE(parse_objectives(R"({"alpha": "1%"})"));
}

TEST(Event, IsReadWithItsClientAndItsLatencyRoundedUp) {
  const auto read = parse_event(
      R"({"t": 12.5, "arm": "canary", "weight": 0.1, "client": "c17", "error": true, "latency_s": 2.0001})");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->arm, Arm::kCanary);
  EXPECT_TRUE(read->client.has_value());
  EXPECT_TRUE(read->error);
  EXPECT_EQ(read->latency, 2001ms);
}

TEST(Event, WithoutAClientIsAUnitOfItsOwn) {
  const auto read =
      parse_event(R"({"arm": "stable", "weight": 0.1, "error": false, "latency_s": 0.08})");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read->client.has_value());
}

TEST(Event, IsRefusedWithTheFieldThatIsWrong) {
  const auto message = [](std::string_view line) { return parse_event(line).error().message; };
  EXPECT_EQ(message("{"), "not a JSON record: {");
  EXPECT_EQ(message(R"({"arm": "blue"})"), R"("arm" must be "canary" or "stable")");
  EXPECT_EQ(message(R"({"arm": "canary", "weight": 2})"),
            R"("weight" must be a number from 0 to 1)");
  EXPECT_EQ(message(R"({"arm": "canary", "weight": 0.1, "error": 1})"),
            R"("error" must be true or false)");
}

TEST(Answer, IsOneLineOfJsonWithVerdictAndEvidence) {
  Judge judge(*parse_objectives(R"({"abort_when": ["errors > 5%"]})"));
  const std::string answer = to_json(judge.so_far());
  EXPECT_EQ(answer.find('\n'), std::string::npos);
  EXPECT_NE(answer.find(R"("verdict":"inconclusive")"), std::string::npos);
  EXPECT_NE(answer.find(R"("claim":"errors > 5%")"), std::string::npos);
}

}  // namespace
}  // namespace ecluse::judge
