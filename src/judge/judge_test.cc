#include "judge/judge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "base/prng.h"

namespace ecluse::judge {
namespace {

using namespace std::chrono_literals;

Objectives usual() {
  return {
      .abort_when = {
          {.text = "errors > 5%", .metric = Metric::kErrors, .share_max = 0.05},
          {.text = "p95 > 2s", .metric = Metric::kLatency, .share_max = 0.05, .latency_max = 2s},
          {.text = "crashes > 1%", .metric = Metric::kCrashes, .share_max = 0.01},
          {.text = "errors > 1x stable", .metric = Metric::kRelative, .ratio_max = 1}}};
}

/// Traffic in which each arm fails at a rate of its own.
struct Traffic {
  double weight = 0.1;
  double canary_errors = 0.01;
  double stable_errors = 0.01;
  std::size_t requests_max = 20'000;
  std::function<double(std::size_t)> incident = [](std::size_t) { return 1.0; };
};

/// What `objectives` say of one run of `traffic`.
Verdict judged(const Traffic& traffic, Prng& prng, const Objectives& objectives = usual()) {
  Judge judge(objectives);
  for (std::size_t i = 0; i < traffic.requests_max; ++i) {
    const bool canary = prng.chance(traffic.weight);
    const double rate =
        traffic.incident(i) * (canary ? traffic.canary_errors : traffic.stable_errors);
    const Request request{.arm = canary ? Arm::kCanary : Arm::kStable,
                          .weight = traffic.weight,
                          .error = prng.chance(std::min(rate, 1.0)),
                          .latency = 80ms};
    if (auto verdict = judge.observe(request)) return *verdict;
  }
  return judge.so_far();
}

/// The share of `runs` that end with `ruling`.
double share_of(Ruling ruling, const Traffic& traffic, int runs, std::uint64_t seed) {
  Prng prng(seed);
  int count = 0;
  for (int run = 0; run < runs; ++run) count += judged(traffic, prng).ruling == ruling ? 1 : 0;
  return static_cast<double>(count) / runs;
}

/// Median number of canary requests until rollback; runs that end otherwise count as endless.
std::uint64_t median_until_rollback(const Traffic& traffic, int runs, std::uint64_t seed) {
  Prng prng(seed);
  std::vector<std::uint64_t> counts;
  for (int run = 0; run < runs; ++run) {
    const Verdict verdict = judged(traffic, prng);
    counts.push_back(verdict.ruling == Ruling::kRollback ? verdict.canary.requests : UINT64_MAX);
  }
  std::ranges::nth_element(counts, counts.begin() + runs / 2);
  return counts[static_cast<std::size_t>(runs / 2)];
}

constexpr Request canary_request(bool error) {
  return {.arm = Arm::kCanary, .weight = 0.1, .error = error, .latency = Duration(80)};
}

TEST(Judge, RollsBackAfterThreeCanaryRequestsThatAllFail) {
  EXPECT_LE(median_until_rollback({.canary_errors = 1.0}, 51, 1), 3U);
}

TEST(Judge, RollsBackWithinSevenCanaryRequestsWhenHalfFail) {
  EXPECT_LE(median_until_rollback({.canary_errors = 0.5}, 101, 2), 7U);
}

TEST(Judge, RollsBackWithinSixtyCanaryRequestsWhenErrorsRiseTenfold) {
  EXPECT_LE(median_until_rollback({.canary_errors = 0.10, .stable_errors = 0.01}, 51, 3), 60U);
}

TEST(Judge, RollsBackWithinFiveHundredCanaryRequestsWhenErrorsTreble) {
  EXPECT_LE(median_until_rollback({.canary_errors = 0.03, .stable_errors = 0.01}, 101, 4), 500U);
}

TEST(Judge, RollsBackAHealthyReleaseInAtMostOneOfAHundredRuns) {
  for (const double errors : {0.0, 0.001, 0.01, 0.05}) {
    const Traffic equal{.canary_errors = errors, .stable_errors = errors, .requests_max = 1'000};
    EXPECT_LE(share_of(Ruling::kRollback, equal, 100, 5), 0.01) << "at errors " << errors;
  }
}

TEST(Judge, DoesNotBlameTheCanaryForAnIncidentThatHitsBothArms) {
  const Traffic incident{.canary_errors = 0.01,
                         .stable_errors = 0.01,
                         .requests_max = 1'000,
                         .incident = [](std::size_t i) { return i > 200 && i < 600 ? 10.0 : 1.0; }};
  EXPECT_LE(share_of(Ruling::kRollback, incident, 100, 6), 0.01);
}

TEST(Judge, PromotesAReleaseThreeTimesWorseInAtMostFiveOfAHundredRuns) {
  Objectives blind = usual();
  blind.abort_when.clear();  // so that no rollback comes before the false promotion
  Prng prng(7);
  int promoted = 0;
  for (int run = 0; run < 60; ++run) {
    const Traffic worse{.canary_errors = 0.18, .stable_errors = 0.06, .requests_max = 2'000};
    promoted += judged(worse, prng, blind).ruling == Ruling::kPromote ? 1 : 0;
  }
  EXPECT_LE(promoted, 3);
}

TEST(Judge, PromotesAnEqualReleaseOnceEnoughErrorsFellOnStable) {
  EXPECT_GE(share_of(Ruling::kPromote, {.canary_errors = 0.03, .stable_errors = 0.03}, 20, 8), 0.9);
}

TEST(Judge, NeitherRollsBackNorPromotesWithoutTraffic) {
  const Judge judge(usual());
  EXPECT_EQ(judge.so_far().ruling, Ruling::kInconclusive);
  EXPECT_NE(judge.so_far().reason.find("no request has reached the canary"), std::string::npos);
}

TEST(Judge, HearsNothingOfTheCanaryFromStableRequestsAlone) {
  Judge judge(usual());
  for (int i = 0; i < 2'000; ++i) {
    ASSERT_FALSE(judge.observe({.arm = Arm::kStable, .weight = 0.01, .error = i % 50 == 0}));
  }
  EXPECT_EQ(judge.so_far().canary.requests, 0U);
}

TEST(Judge, RollsBackByTheLimitAloneWhenThereIsNothingToCompareWith) {
  Judge judge(usual());
  std::optional<Verdict> verdict;
  for (int i = 0; i < 10 && !verdict; ++i) {
    verdict = judge.observe({.arm = Arm::kCanary, .weight = 1, .error = true});
  }
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->objective, "errors > 5%");
}

TEST(Judge, LeavesALimitAloneWhileTheStableArmBreaksItToo) {
  Judge judge({.abort_when = {{.text = "errors > 5%", .share_max = 0.05}}});
  for (int i = 0; i < 60; ++i) {
    const bool canary = i % 5 == 4;  // every second request fails, on either arm
    judge.observe({.arm = canary ? Arm::kCanary : Arm::kStable,
                   .weight = 0.2,
                   .error = canary ? i % 10 == 4 : i % 2 == 0});
  }
  EXPECT_EQ(judge.so_far().canary.errors, 6U);
  EXPECT_EQ(judge.so_far().ruling, Ruling::kInconclusive);
  EXPECT_NE(judge.so_far().reason.find("breaking an objective too"), std::string::npos);
}

TEST(Judge, AllowsARatioThatTheObjectiveAllows) {
  const Objectives twice{
      .abort_when = {{.text = "errors > 2x stable", .metric = Metric::kRelative, .ratio_max = 2}}};
  Prng prng(13);
  const Traffic allowed{.canary_errors = 0.1, .stable_errors = 0.05, .requests_max = 2'000};
  const Traffic worse{.canary_errors = 0.4, .stable_errors = 0.05, .requests_max = 2'000};
  int false_alarms = 0;
  for (int run = 0; run < 60; ++run) {
    false_alarms += judged(allowed, prng, twice).ruling == Ruling::kRollback ? 1 : 0;
  }
  EXPECT_LE(false_alarms, 1);
  EXPECT_EQ(judged(worse, prng, twice).ruling, Ruling::kRollback);
}

TEST(Judge, IsInconclusiveWhenNobodyEverErred) {
  Prng prng(9);
  EXPECT_EQ(judged({.canary_errors = 0, .stable_errors = 0, .requests_max = 5'000}, prng).ruling,
            Ruling::kInconclusive);
}

TEST(Judge, NoticesAReleaseThatTurnsBadAfterTenThousandGoodRequests) {
  Judge judge(usual());
  for (int i = 0; i < 10'000; ++i) ASSERT_FALSE(judge.observe(canary_request(false)));
  std::optional<Verdict> verdict;
  int failed = 0;
  while (!verdict && failed < 1000) {
    verdict = judge.observe(canary_request(true));
    failed += 1;
  }
  ASSERT_TRUE(verdict);
  EXPECT_LE(failed, 12);
}

TEST(Judge, CountsAClientsManyErrorsAsOne) {
  Judge judge(usual());
  for (int i = 0; i < 200; ++i) {
    Request request = canary_request(true);
    request.client = 7;
    ASSERT_FALSE(judge.observe(request)) << "after " << i << " errors of one client";
  }
}

/// One user in twenty owns all errors, on whichever arm; each sends twenty requests.
bool rolls_back_for_broken_users(bool tell_the_client, Prng& prng) {
  Judge judge(usual());
  for (std::uint64_t client = 0; client < 60; ++client) {
    const bool broken = prng.chance(0.05);
    const Arm arm = prng.chance(0.1) ? Arm::kCanary : Arm::kStable;
    for (int i = 0; i < 20; ++i) {
      Request request{.arm = arm, .weight = 0.1, .client = {}, .error = broken};
      if (tell_the_client) request.client = client;
      if (auto v = judge.observe(request)) return v->ruling == Ruling::kRollback;
    }
  }
  return false;
}

TEST(JudgeTrapUnit, RequestsOfOneUserAreNotIndependentSoUsersAreTheUnit) {
  Prng prng(10);
  int by_request = 0;
  int by_client = 0;
  for (int run = 0; run < 150; ++run) {
    by_request += rolls_back_for_broken_users(false, prng) ? 1 : 0;
    by_client += rolls_back_for_broken_users(true, prng) ? 1 : 0;
  }
  EXPECT_GE(by_request, 10);  // the trap, sprung
  EXPECT_LE(by_client, 2);
}

TEST(JudgeTrapTransport, FollowsBoundedlyManyErringClientsAndThenProvesNothingGood) {
  Objectives blind;
  Judge judge(blind);
  std::uint64_t client = 0;
  const auto stable_errors = [&](std::uint64_t count) {
    std::optional<Verdict> verdict;
    for (std::uint64_t i = 0; i < count && !verdict; ++i) {
      verdict =
          judge.observe({.arm = Arm::kCanary, .weight = 0.25, .client = client++, .error = true});
    }
    return verdict;
  };
  // All on the canary: no promotion; then the table is full.
  ASSERT_FALSE(stable_errors(Clients::kErringMax + 1));
  EXPECT_TRUE(judge.clients().overflowed());
  // What would promote a release now must not: erring clients are no longer told apart.
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_FALSE(judge.observe({.arm = Arm::kStable, .weight = 0.25, .error = true}));
  }
}

/// The canary's first page fails three times as often as stable's, all others as often; only those
/// others are told of.
Verdict judged_without_first_requests(bool says_so, Prng& prng) {
  constexpr std::uint64_t kClients = 20'000;
  Judge judge(Objectives{});
  for (std::uint64_t client = 0; client < kClients; ++client) {
    if (says_so) judge.thin(client + 1);
    const Request second{.arm = prng.chance(0.25) ? Arm::kCanary : Arm::kStable,
                         .weight = 0.25,
                         .client = client,
                         .error = prng.chance(0.03)};
    if (auto verdict = judge.observe(second)) return *verdict;
  }
  return judge.so_far();
}

TEST(JudgeTrapTransport, WhoseFirstRequestsWereLeftOutProveNothingGood) {
  Prng prng(12);
  int sprung = 0;
  for (int run = 0; run < 10; ++run) {
    sprung += judged_without_first_requests(false, prng).ruling == Ruling::kPromote ? 1 : 0;
    EXPECT_EQ(judged_without_first_requests(true, prng).ruling, Ruling::kInconclusive);
  }
  EXPECT_GE(sprung, 5);
}

/// Sticky users, one in twenty broken on whichever arm; in the middle half of the run only every
/// fourth client's requests are told of.
bool rolls_back_a_healthy_sample(Prng& prng) {
  constexpr int kRequests = 30'000;
  Judge judge(usual());
  std::vector<std::uint64_t> here(50);
  std::uint64_t next = 0;
  for (int i = 0; i < kRequests; ++i) {
    auto& client = here[prng.below(here.size())];
    if (client == 0 || prng.chance(0.05)) client = ++next;
    Prng fate(client);
    const Arm arm = fate.chance(0.1) ? Arm::kCanary : Arm::kStable;
    const bool broken = fate.chance(0.05);
    const bool thinned = i > kRequests / 4 && i < 3 * kRequests / 4 && client % 4 != 0;
    if (thinned) judge.thin(judge.tally().thinned + 1);
    if (thinned) continue;
    const bool error = prng.chance(broken ? 0.5 : 0.002);
    if (auto v = judge.observe({.arm = arm, .weight = 0.1, .client = client, .error = error}))
      return v->ruling == Ruling::kRollback;
  }
  return false;
}

TEST(JudgeTrapTransport, AFairSampleOfAHealthyReleaseIsNotRolledBack) {
  Prng prng(13);
  int rolled_back = 0;
  for (int run = 0; run < 100; ++run) rolled_back += rolls_back_a_healthy_sample(prng) ? 1 : 0;
  EXPECT_LE(rolled_back, 3);
}

TEST(JudgeTrapTransport, ASampleIsEnoughToRollBackAndSaysThatItIsOne) {
  Judge judge(usual());
  judge.thin(9'000);
  EXPECT_NE(judge.so_far().reason.find("no request has reached"), std::string::npos);
  judge.observe({.arm = Arm::kCanary, .weight = 0.1, .client = 1});
  EXPECT_NE(judge.so_far().reason.find("9000 more requests came too quickly"), std::string::npos);
  std::optional<Verdict> verdict;
  for (std::uint64_t client = 2; client < 9 && !verdict; ++client)
    verdict = judge.observe({.arm = Arm::kCanary, .weight = 0.1, .client = client, .error = true});
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->ruling, Ruling::kRollback);
}

TEST(JudgeTrapTransport, WithoutClientsAFairSampleProvesWhatAllWouldProve) {
  Judge judge(Objectives{});
  judge.thin(9'000);
  std::optional<Verdict> verdict;
  for (int i = 0; i < 100 && !verdict; ++i)
    verdict = judge.observe({.arm = Arm::kStable, .weight = 0.25, .client = {}, .error = true});
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->ruling, Ruling::kPromote);
}

TEST(JudgeTrapTransport, IgnoresErringClientsBeyondTheBoundForARollback) {
  Clients clients;
  for (std::uint64_t c = 0; c < Clients::kErringMax; ++c) ASSERT_TRUE(clients.first_error(c));
  EXPECT_FALSE(clients.overflowed());
  EXPECT_FALSE(clients.first_error(Clients::kErringMax));
  EXPECT_TRUE(clients.overflowed());
}

TEST(Clients, FollowsEverySecondOneWhenThereAreTooMany) {
  Clients clients;
  std::uint64_t followed = 0;
  for (std::uint64_t c = 0; c < 4 * Clients::kSeenMax; ++c) {
    followed += clients.draw(c, 1) == Draw::kFirstEver ? 1 : 0;
  }
  EXPECT_GT(followed, Clients::kSeenMax);
  EXPECT_LE(clients.stored().seen.size(), Clients::kSeenMax);
  EXPECT_GE(clients.stored().halvings, 2U);
}

TEST(Judge, JudgesLatencyByTheShareOfSlowRequests) {
  Judge judge(usual());
  std::optional<Verdict> verdict;
  for (int i = 0; i < 60 && !verdict; ++i) {
    Request request = canary_request(false);
    request.latency = i % 2 == 0 ? 3s : 100ms;
    verdict = judge.observe(request);
  }
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->objective, "p95 > 2s");
  EXPECT_NE(verdict->reason.find("were too slow"), std::string::npos);
}

/// Half the requests reach the canary though a tenth was announced; both arms err equally.
Verdict misrouted(double errors, std::uint64_t seed) {
  Prng prng(seed);
  Judge judge(usual());
  for (int i = 0; i < 3'000; ++i) {
    judge.observe({.arm = prng.chance(0.5) ? Arm::kCanary : Arm::kStable,
                   .weight = 0.1,
                   .error = prng.chance(errors)});
  }
  return judge.so_far();
}

TEST(JudgeTrapAssignment, ComparesNothingWhenTheArmsAreNotFilledByTheAnnouncedWeight) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Verdict verdict = misrouted(0.01, seed);
    EXPECT_EQ(verdict.ruling, Ruling::kInconclusive) << verdict.reason;
    EXPECT_NE(verdict.reason.find("announced weight"), std::string::npos);
  }
}

TEST(Judge, GivesOneVerdictAndGoesOnCounting) {
  Judge judge(usual());
  int verdicts = 0;
  for (int i = 0; i < 50; ++i) verdicts += judge.observe(canary_request(true)) ? 1 : 0;
  EXPECT_EQ(verdicts, 1);
  EXPECT_EQ(judge.so_far().ruling, Ruling::kRollback);
}

Request random_request(Prng& prng) {
  Request request{.arm = prng.chance(0.2) ? Arm::kCanary : Arm::kStable,
                  .weight = 0.2,
                  .client = {},
                  .error = prng.chance(0.02),
                  .latency = prng.chance(0.1) ? 3s : 100ms};
  if (prng.chance(0.7)) request.client = prng.below(300);
  return request;
}

TEST(JudgeState, GoesOnExactlyWhereItWasStored) {
  Prng prng(14);
  Judge through(usual());
  Judge stored(usual());
  for (int i = 0; i < 1'500; ++i) {
    const Request request = random_request(prng);
    through.observe(request);
    stored.observe(request);
    if (i % 150 == 0) {
      auto restored = judge_from_text(usual(), to_text(stored));
      ASSERT_TRUE(restored) << restored.error().message;
      stored = *std::move(restored);
    }
  }
  EXPECT_EQ(to_text(stored), to_text(through));
}

TEST(JudgeState, IsNotTakenForAnotherOnes) {
  Objectives other = usual();
  other.alpha = 0.05;
  const auto restored = judge_from_text(other, to_text(Judge(usual())));
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().message, "the stored judge was held to other objectives");
  for (const char* text : {"", "{}", "[1]", R"({"terms": 1})"}) {
    EXPECT_FALSE(judge_from_text(usual(), text)) << text;
  }
}

}  // namespace
}  // namespace ecluse::judge
