#include "tally.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ecluse::load {
namespace {

using nlohmann::json;

Request sent_at(Tally& tally, Micros at) {
  Request request;
  request.id = 1;
  request.intended = at;
  tally.sent(request, at);
  return request;
}

TEST(AllowedReleases, AnyMayAnswerUntilSomebodySaysOtherwise) {
  AllowedReleases allowed;
  EXPECT_TRUE(allowed.allows("9", 0, 10));
  allowed.set(20, {});
  EXPECT_TRUE(allowed.allows("9", 30, 40));
}

TEST(AllowedReleases, RequestUnderWayDuringASwapMayBeAnsweredByEither) {
  AllowedReleases allowed;
  allowed.set(0, {"1"});
  allowed.set(100, {"2"});
  EXPECT_TRUE(allowed.allows("1", 90, 110));
  EXPECT_TRUE(allowed.allows("2", 90, 110));
  EXPECT_FALSE(allowed.allows("1", 101, 110));
  EXPECT_FALSE(allowed.allows("2", 80, 99));
}

TEST(Tally, EveryRequestIsInExactlyOneColumn) {
  Tally tally(0);
  const Request answered = sent_at(tally, 10), lost = sent_at(tally, 20), open = sent_at(tally, 30);
  tally.answered(answered, {200, "1", "1", "1"}, 40);
  tally.lost(lost, Loss::kReset, 5, 50);
  const json report = json::parse(tally.report(60));
  EXPECT_EQ(report["requests_sent"], 3);
  EXPECT_EQ(report["requests_answered"], 1);
  EXPECT_EQ(report["requests_lost"], 1);
  EXPECT_EQ(report["in_flight"], 1);
  EXPECT_EQ(tally.in_flight(), 1u);
  EXPECT_EQ(report["losses"][0]["loss"], "reset");
  EXPECT_EQ(open.phase, 0u);
}

TEST(Tally, RequestCountsInThePhaseItWasSentIn) {
  Tally tally(0);
  const Request early = sent_at(tally, 10);
  tally.begin_phase("swap", 20);
  const Request late = sent_at(tally, 30);
  tally.answered(early, {200, "1", "", ""}, 40);
  tally.answered(late, {500, "2", "2", ""}, 50);
  const json report = json::parse(tally.report(60));
  EXPECT_EQ(report["phases"][0]["release"]["1"]["answered"], 1);
  EXPECT_EQ(report["phases"][0]["release"]["1"]["sent_ms"], json({0.01}));
  EXPECT_EQ(report["phases"][1]["errors_5xx"], 1);
  EXPECT_EQ(report["phases"][1]["name"], "swap");
}

TEST(Tally, ErrorsAreToldApartByWhatThePeopleWhoSawThemEverMet) {
  Tally tally(0);
  const auto visit = [&](std::uint32_t person, const char* release, int status) {
    Request request = sent_at(tally, 10);
    request.person = person;
    tally.answered(request, {status, release, release, ""}, 20);
  };
  visit(1, "2", 500);
  visit(2, "3", 500);
  visit(3, "2", 500);
  tally.begin_phase("later", 30);
  visit(3, "3", 200);
  const json phase = json::parse(tally.report(40))["phases"][0];
  EXPECT_EQ(phase["errors_5xx"], 3);
  EXPECT_EQ(phase["errors_inside"]["3"], 2) << "of persons 2 and 3";
  EXPECT_EQ(phase["errors_inside"]["2"], 2) << "of persons 1 and 3";
}

TEST(Tally, BadGatewayNoAppStampedIsLost) {
  Tally tally(0);
  tally.answered(sent_at(tally, 10), {502, "1", "", ""}, 20);
  tally.answered(sent_at(tally, 10), {503, "1", "1", ""}, 20);
  const json report = json::parse(tally.report(30));
  EXPECT_EQ(report["lost_by"]["gateway_error"], 1);
  EXPECT_EQ(report["errors_5xx"], 1);
}

TEST(Tally, AppsOwnStampSaysWhoReallyAnswered) {
  Tally tally(0);
  tally.allowed().set(5, {"2"});
  tally.answered(sent_at(tally, 10), {200, "2", "1", ""}, 20);
  const json report = json::parse(tally.report(30));
  EXPECT_EQ(report["wrong_release"], 1);
  EXPECT_EQ(report["stamp_mismatch"], 1);
}

TEST(Tally, AnswerToAnotherRequestIsLost) {
  Tally tally(0);
  tally.answered(sent_at(tally, 10), {200, "1", "1", "77"}, 20);
  EXPECT_EQ(json::parse(tally.report(30))["lost_by"]["mixed"], 1);
}

TEST(Tally, LatencyCountsFromTheIntendedStart) {
  Tally tally(0);
  Request request;
  request.intended = 1000;
  tally.sent(request, 51000);
  tally.answered(request, {200, "", "", ""}, 52000);
  const json report = json::parse(tally.report(60000));
  EXPECT_DOUBLE_EQ(report["latency_ms"]["max"], 51.0);
  EXPECT_DOUBLE_EQ(report["send_lag_ms_max"], 50.0);
}

}  // namespace
}  // namespace ecluse::load
