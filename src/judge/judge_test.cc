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
  Objectives relative = usual();
  std::erase_if(relative.abort_when, [](const auto& o) { return o.metric != Metric::kRelative; });
  const Traffic incident{.canary_errors = 0.01,
                         .stable_errors = 0.01,
                         .requests_max = 1'000,
                         .incident = [](std::size_t i) { return i > 200 && i < 600 ? 10.0 : 1.0; }};
  Prng prng(6);
  int rolled_back = 0;
  for (int run = 0; run < 100; ++run) {
    rolled_back += judged(incident, prng, relative).ruling == Ruling::kRollback ? 1 : 0;
  }
  EXPECT_LE(rolled_back, 1);
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

TEST(Judge, DoesNotRollBackForClusteredErrorsOfFewClientsInBothArms) {
  Prng prng(10);
  int rolled_back = 0;
  for (int run = 0; run < 60; ++run) {
    Judge judge(usual());
    for (std::uint64_t client = 0; client < 300; ++client) {
      const bool broken = prng.chance(0.02);  // this client fails always, on either arm
      const bool canary = prng.chance(0.1);
      for (int i = 0; i < 10; ++i) {
        judge.observe({.arm = canary ? Arm::kCanary : Arm::kStable,
                       .weight = 0.1,
                       .client = client,
                       .error = broken});
      }
    }
    rolled_back += judge.so_far().ruling == Ruling::kRollback ? 1 : 0;
  }
  EXPECT_LE(rolled_back, 1);
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

TEST(Judge, ComparesNothingWhenTheArmsAreNotFilledByTheAnnouncedWeight) {
  Prng prng(11);
  Judge judge(usual());
  for (int i = 0; i < 5'000; ++i) {
    // Half the requests reach the canary though a tenth was announced; both arms err equally.
    judge.observe({.arm = prng.chance(0.5) ? Arm::kCanary : Arm::kStable,
                   .weight = 0.1,
                   .error = i > 2000 && prng.chance(0.01)});
  }
  EXPECT_EQ(judge.so_far().ruling, Ruling::kInconclusive);
  EXPECT_NE(judge.so_far().reason.find("announced weight"), std::string::npos);
}

TEST(Judge, GivesOneVerdictAndGoesOnCounting) {
  Judge judge(usual());
  int verdicts = 0;
  for (int i = 0; i < 50; ++i) verdicts += judge.observe(canary_request(true)) ? 1 : 0;
  EXPECT_EQ(verdicts, 1);
  EXPECT_EQ(judge.so_far().ruling, Ruling::kRollback);
}

}  // namespace
}  // namespace ecluse::judge
