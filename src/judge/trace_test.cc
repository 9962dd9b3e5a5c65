#include "judge/trace.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sstream>
#include <vector>

#include "judge/event_line.h"
#include "judge/verdict_json.h"

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
  EXPECT_EQ(read.error().message, "1:11: unknown field \"aplha\"");
  EXPECT_EQ(read.error().hint, "did you mean \"alpha\"?");
}

TEST(Objectives, NameTheConditionThatIsUnknownAndTheFormsThereAre) {
  const auto read = parse_objectives(R"({"abort_when": ["cpu > 5%"]})");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "1:16: abort_when \"cpu > 5%\": unknown metric 'cpu'");
  EXPECT_NE(read.error().hint.find("errors > 5%"), std::string::npos);
  EXPECT_FALSE(parse_objectives(R"({"abort_when": "errors > 5%"})"));
  EXPECT_FALSE(parse_objectives(R"({"abort_when": [5]})"));
  EXPECT_FALSE(parse_objectives(R"({"max_ratio": 1})"));
  EXPECT_FALSE(parse_objectives(""));
  EXPECT_FALSE(parse_objectives(R"({"abort_when": ["errors > 0%"]})"));
}

TEST(Objectives, AreRefusedWithTheLineAndTheColumn) {
  const auto error = [](const char* text) { return parse_objectives(text).error().message; };
  EXPECT_EQ(error("{\n  \"alpha\": 0.01,\n  \"beta\": 7\n}"),
            "3:11: \"beta\" must be a number from 0 to 1");
  EXPECT_TRUE(error("{\n  \"alpha\": 0.01,,\n}").starts_with("2:17: not a JSON record"))
      << error("{\n  \"alpha\": 0.01,,\n}");
  EXPECT_EQ(error(R"({"alpha": 0.01, "alpha": 0.02})"), "1:26: \"alpha\" is there twice");
}

TEST(Objectives, RefuseAnAlphaThatProvesNothing) {
  EXPECT_FALSE(parse_objectives(R"({"alpha": 1})"));
  EXPECT_FALSE(parse_objectives(R"({"alpha": 0})"));
  EXPECT_FALSE(parse_objectives(R"({"alpha": "1%"})"));
}

constexpr const char* kAll =
    R"({"abort_when": ["errors > 5%", "p95 > 2s", "crashes > 1%", "errors > 1x stable"]})";
constexpr const char* kErrorsOnly = R"({"abort_when": ["errors > 5%"]})";

/// Every request of `text`, or how its first error reads.
struct ReadTrace {
  std::vector<Request> requests;
  std::string error;
  std::string hint;
};
ReadTrace read(const std::string& text, const char* objectives = kAll) {
  std::istringstream events(text);
  Trace trace(events, *parse_objectives(objectives));
  ReadTrace read;
  for (;;) {
    const auto request = trace.next();
    if (!request) {
      read.error = request.error().message;
      read.hint = request.error().hint;
      return read;
    }
    if (!*request) return read;
    read.requests.push_back(**request);
  }
}

TEST(Trace, IsReadWithItsClientAndItsLatencyRoundedUp) {
  const auto trace = read(
      R"({"t": 12.5, "arm": "canary", "weight": 0.1, "client": "c17", "error": true, "latency_s": 2.0001})");
  ASSERT_EQ(trace.requests.size(), 1U) << trace.error;
  EXPECT_EQ(trace.requests[0].arm, Arm::kCanary);
  EXPECT_TRUE(trace.requests[0].client.has_value());
  EXPECT_TRUE(trace.requests[0].error);
  EXPECT_EQ(trace.requests[0].latency, 2001ms);
}

TEST(Trace, HoldsARequestThatTookExactlyTheLimitForFastEnough) {
  const auto trace = read(R"({"arm": "canary", "weight": 0.1, "error": false, "latency_s": 1.1})");
  ASSERT_EQ(trace.requests.size(), 1U) << trace.error;
  EXPECT_EQ(trace.requests[0].latency, 1100ms);
}

TEST(Trace, WithoutAClientIsUnitsOfTheirOwn) {
  const auto trace = read(
      "{\"arm\": \"stable\", \"weight\": 0.1, \"error\": false, \"latency_s\": 0.08}\n\n"
      "{\"arm\": \"stable\", \"weight\": 1, \"client\": null, \"error\": false, \"latency_s\": "
      "0}\r\n");
  ASSERT_EQ(trace.requests.size(), 2U) << trace.error;
  EXPECT_FALSE(trace.requests[0].client.has_value());
  EXPECT_FALSE(trace.requests[1].client.has_value());
}

TEST(Trace, NeedsNoLatencyWhereNoObjectiveIsAboutIt) {
  const char* line = R"({"arm": "canary", "weight": 0.1, "error": false})";
  EXPECT_EQ(read(line, kErrorsOnly).requests.size(), 1U);
  EXPECT_EQ(read(line).error, R"(line 1, column 1: "latency_s" must be a number from 0 to 86400)");
}

TEST(Trace, HoldsACrashForAnError) {
  const auto trace =
      read(R"({"arm": "canary", "weight": 0.1, "error": false, "crashed": true, "latency_s": 1})");
  ASSERT_EQ(trace.requests.size(), 1U) << trace.error;
  EXPECT_TRUE(trace.requests[0].error);
}

TEST(Trace, IsRefusedWithTheLineAndTheFieldThatIsWrong) {
  const std::string good = R"({"arm": "canary", "weight": 0.1, "error": false, "latency_s": 1})";
  const auto error = [&](const std::string& line) { return read(good + "\n" + line).error; };
  EXPECT_EQ(error("{"), "line 2, column 2: not a JSON record: {");
  EXPECT_EQ(error("\x01\x02"), "line 2, column 1: not a JSON record: \\x01\\x02");
  EXPECT_EQ(error("\xff\xfe{"), "line 2, column 1: not a JSON record, nor any text in UTF-8");
  EXPECT_EQ(error("[1, 2]"), "line 2, column 1: not a JSON record: [1, 2]");
  const std::string arms = R"("arm" must be "canary" or "stable")";
  EXPECT_EQ(error(R"({"arm": "blue"})"), "line 2, column 9: " + arms);
  EXPECT_EQ(error(R"({"arm": ["canary"]})"), "line 2, column 9: " + arms);
  EXPECT_EQ(error(R"({"arm": "canary"})"),
            R"(line 2, column 1: "weight" must be a number from 0 to 1)");
  EXPECT_EQ(error(R"({"arm": "canary", "weight": 10})"),
            R"(line 2, column 29: "weight" must be a number from 0 to 1)");
  EXPECT_EQ(error(R"({"arm": "canary", "weight": 0.1, "error": 1})"),
            R"(line 2, column 43: "error" must be true or false)");
  const std::string latency = R"("latency_s" must be a number from 0 to 86400)";
  EXPECT_EQ(error(R"({"arm": "canary", "weight": 0.1, "error": true, "latency_s": null})"),
            "line 2, column 62: " + latency);
  EXPECT_EQ(error(R"({"arm": "canary", "weight": 0.1, "error": true, "latency_s": -1})"),
            "line 2, column 62: " + latency);
  EXPECT_EQ(error(R"({"arm": "canary", "weight": 0.1, "client": {}, "error": true})"),
            R"(line 2, column 44: "client" must be a text or a whole number)");
  EXPECT_EQ(error(R"({"arm": "canary", "arm": "stable"})"),
            R"(line 2, column 26: "arm" is there twice)");
}

/// What both readers make of a line.
std::string told(const std::string& line) {
  const auto trace = read(line);
  if (!trace.error.empty()) return "refused";
  const Request& request = trace.requests.at(0);
  return fmt::format("{} {} {} {} {} {}", static_cast<int>(request.arm), request.weight,
                     request.client.value_or(0), request.error, request.crashed,
                     request.latency.count());
}

TEST(Trace, MakesTheSameOfALineByEitherReader) {
  // What follows is nobody's field; one that is nested is left to the careful reader.
  const auto both = [](const std::string& fields) {
    return std::pair(told("{" + fields + "}"), told("{" + fields + R"(, "more": []})"));
  };
  const std::string head = R"("arm": "canary", "weight": 0.25, "error": false, "latency_s": )";
  for (const char* tail : {"0.5",
                           "5e-1",
                           "0.50E0",
                           "1E1",
                           "1e2",
                           "00.5",
                           ".5",
                           "1.",
                           "+1",
                           "-0",
                           "-0.1",
                           "1e",
                           "0x1",
                           "NaN",
                           "nan",
                           "inf",
                           "1e999",
                           "86400",
                           "86400.5",
                           "0.5 ",
                           "0.5, \"client\": 17",
                           "0.5, \"client\": \"17\"",
                           "0.5, \"client\": -0",
                           "0.5, \"client\": -4",
                           "0.5, \"client\": 1.0",
                           "0.5, \"client\": 99999999999999999999",
                           "0.5, \"client\": null",
                           "0.5, \"client\": \"a\\u0062\"",
                           "0.5, \"client\": \"\xc3\xa9\"",
                           "0.5, \"t\": 1, \"t\": 2",
                           "0.5, \"crashed\": true",
                           "0.5, \"crashed\": 1",
                           "0.5, \"x\": tru",
                           "0.5, \"x\": \"\x01\"",
                           "0.5, \"x\": 1, \"x\": 2",
                           "0.5,",
                           "0.5 \"x\": 1"}) {
    const auto [simple, careful] = both(head + tail);
    EXPECT_EQ(simple, careful) << tail;
  }
  EXPECT_EQ(told("{" + head + "0.5, \"client\": 17}"),
            told("{" + head + "0.5, \"client\": \"17\"}"));
  EXPECT_NE(told("{" + head + "0.5, \"client\": 17}"), told("{" + head + "0.5, \"client\": 18}"));
}

TEST(EventLine, IsSimpleAsEveryWriterWritesIt) {
  const auto line = read_simple(
      R"({"t": 12.5, "arm": "canary", "weight": 0.1, "client": "c17", "error": false, "latency_s": 0.08, "path": "/"})");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->t, 12.5);
  EXPECT_EQ(line->arm, "canary");
  EXPECT_EQ(line->client, "c17");
  EXPECT_EQ(line->error, false);
  EXPECT_EQ(line->latency_s, 0.08);
  EXPECT_FALSE(line->crashed);
  for (const char* other : {"", "{", "{}", "[]", R"({"t": 1} x)", R"({"t": 1,})", R"({"a": {}})"})
    EXPECT_FALSE(read_simple(other)) << other;
}

TEST(Trace, KnowsNoNumberThatIsNone) {
  for (const char* latency : {"NaN", "Infinity", "-Infinity", "1e999", "0x10", "1,5"}) {
    const auto trace = read(fmt::format(
        R"({{"arm": "canary", "weight": 0.1, "error": true, "latency_s": {}}})", latency));
    EXPECT_TRUE(trace.error.starts_with("line 1, column ")) << latency << ": " << trace.error;
    EXPECT_NE(trace.hint.find(R"("latency_s": 0.08)"), std::string::npos) << latency;
  }
}

TEST(Trace, IsRefusedWhenItIsNotInTheOrderOfArrival) {
  const auto at = [](double t) {
    return fmt::format(
        R"({{"t": {}, "arm": "canary", "weight": 0.1, "error": false, "latency_s": 1}})", t);
  };
  const auto trace = read(at(1) + "\n" + at(2) + "\n" + at(2) + "\n" + at(1.5));
  EXPECT_EQ(trace.requests.size(), 3U);
  EXPECT_EQ(trace.error, "line 4, column 7: \"t\" goes back from 2 to 1.5");
  EXPECT_NE(trace.hint.find("order of arrival"), std::string::npos);
}

TEST(Trace, TakesNoMoreMemoryForALineThanAnEventMayHave) {
  const auto trace = read(std::string(Trace::kLineBytesMax + 1, '{'));
  EXPECT_EQ(trace.error, "line 1, column 1: longer than the 65536 bytes of an event");
}

TEST(Trace, IsNotLedIntoEndlessNesting) {
  const auto trace = read(R"({"arm": )" + std::string(60'000, '['));
  EXPECT_TRUE(trace.error.starts_with("line 1, column ")) << trace.error;
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
