#include "judge/docket.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/prng.h"

namespace ecluse::judge {
namespace {

using namespace std::chrono_literals;

Objectives usual() {
  return {.abort_when = *objectives_of({"errors > 5%", "p95 > 2s", "errors > 1x stable"})};
}

/// A request that ends `latency` after it arrived.
struct Planned {
  Case told;
  std::uint64_t ended_ms = 0;
};

/// Ten requests a second, of which 2 % fail on whichever arm; errors and answers take their time.
std::vector<Planned> equal_arms(std::size_t count, double weight, Duration error_takes,
                                Duration answer_takes, Prng& prng) {
  std::vector<Planned> all;
  for (std::size_t i = 0; i < count; ++i) {
    const bool error = prng.chance(0.02);
    const Duration takes = error ? error_takes : answer_takes;
    Case told{.number = i + 1,
              .arm = prng.chance(weight) ? Arm::kCanary : Arm::kStable,
              .weight = weight,
              .client = {},
              .standing = error ? Standing::kError : Standing::kOk,
              .arrived_ms = 1000 + i * 100,
              .latency = takes};
    all.push_back({told, told.arrived_ms + static_cast<std::uint64_t>(takes.count())});
  }
  return all;
}

/// Tells a docket of each arrival and each end at its time, ruling after each.
std::optional<Ruling> live(const Objectives& objectives, const std::vector<Planned>& requests) {
  struct Moment {
    std::uint64_t at_ms = 0;
    bool ends = false;
    const Planned* request = nullptr;
  };
  std::vector<Moment> moments;
  for (const Planned& request : requests) {
    moments.push_back({request.told.arrived_ms, false, &request});
    moments.push_back({request.ended_ms, true, &request});
  }
  std::ranges::stable_sort(moments, {}, &Moment::at_ms);
  Docket docket(objectives);
  for (const auto& [at_ms, ends, request] : moments) {
    Case told = request->told;
    if (!ends) told.standing = Standing::kOpen;
    docket.tell(told);
    if (const auto verdict = docket.rule(at_ms)) return verdict->ruling;
  }
  return std::nullopt;
}

/// The trap: each request is judged when it ends.
std::optional<Ruling> in_order_of_completion(const Objectives& objectives,
                                             std::vector<Planned> requests) {
  std::ranges::stable_sort(requests, {}, &Planned::ended_ms);
  Judge judge(objectives);
  for (const Planned& request : requests) {
    if (const auto verdict = judge.observe({.arm = request.told.arm,
                                            .weight = request.told.weight,
                                            .client = {},
                                            .error = request.told.standing == Standing::kError,
                                            .latency = request.told.latency})) {
      return verdict->ruling;
    }
  }
  return std::nullopt;
}

TEST(DocketTrapOrder, ErrorsThatAreQuickerThanAnswersAreNotHeldAgainstTheCanary) {
  const Objectives errors{.abort_when = *objectives_of({"errors > 5%", "errors > 1x stable"})};
  Prng prng(1);
  int by_completion = 0;
  int by_arrival = 0;
  for (int run = 0; run < 8; ++run) {
    // All on the canary: no stable arm whose own errors would warn that something is wrong.
    const auto requests = equal_arms(300, 1, 10ms, 25s, prng);
    by_completion += in_order_of_completion(errors, requests) == Ruling::kRollback ? 1 : 0;
    by_arrival += live(errors, requests) == Ruling::kRollback ? 1 : 0;
  }
  EXPECT_GE(by_completion, 6);  // the trap, sprung
  EXPECT_EQ(by_arrival, 0);
}

TEST(DocketTrapOrder, ErrorsThatAreSlowerThanAnswersAreNotHeldAgainstTheCanary) {
  Prng prng(2);
  const Objectives errors{.abort_when = *objectives_of({"errors > 5%", "errors > 1x stable"})};
  int rolled_back = 0;
  for (int run = 0; run < 8; ++run) {
    rolled_back += live(errors, equal_arms(300, 0.5, 20s, 10ms, prng)) == Ruling::kRollback ? 1 : 0;
  }
  EXPECT_EQ(rolled_back, 0);
}

/// Stable answers and errs at once; of the canary's requests nothing is heard.
Docket hanging_canary(const Objectives& objectives, std::uint64_t requests) {
  Docket docket(objectives);
  Prng prng(3);
  for (std::uint64_t i = 1; i <= requests; ++i) {
    const bool canary = prng.chance(0.25);
    const bool error = prng.chance(0.2);
    docket.tell({.number = i,
                 .arm = canary ? Arm::kCanary : Arm::kStable,
                 .weight = 0.25,
                 .client = {},
                 .standing = canary  ? Standing::kOpen
                             : error ? Standing::kError
                                     : Standing::kOk,
                 .arrived_ms = 1000 + i});
  }
  return docket;
}

TEST(DocketTrapOrder, AnOpenRequestOfTheCanaryIsAnErrorForPromotion) {
  const Objectives none;
  Docket docket = hanging_canary(none, 1'000);
  EXPECT_FALSE(docket.rule(2'000));    // all are young: nothing is known of them
  EXPECT_FALSE(docket.rule(200'000));  // all are given up
  EXPECT_EQ(docket.waiting(), 0U);
  EXPECT_LT(docket.so_far(200'000).evidence.back().e_value, 1);
}

TEST(Docket, KnowsARequestAsSlowBeforeItEnds) {
  Docket docket = hanging_canary(usual(), 40);
  EXPECT_FALSE(docket.rule(1'500));
  const auto verdict = docket.rule(4'000);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->ruling, Ruling::kRollback);
  EXPECT_EQ(verdict->objective, "p95 > 2s");
  EXPECT_FALSE(docket.rule(4'100)) << "a verdict is given once";
  EXPECT_EQ(docket.so_far(9'000).ruling, Ruling::kRollback);
}

Case told(std::uint64_t number, Arm arm, Standing standing) {
  return {.number = number,
          .arm = arm,
          .weight = 0.1,
          .client = {},
          .standing = standing,
          .arrived_ms = 1000 + number};
}

TEST(Docket, RollsBackWithinFewErrorsThoughAllOthersAreOpen) {
  Docket docket({.abort_when = *objectives_of({"errors > 5%"})});
  std::uint64_t number = 0;
  while (number < 20) docket.tell(told(++number, Arm::kStable, Standing::kOpen));
  docket.tell(told(++number, Arm::kCanary, Standing::kOpen));
  std::optional<Verdict> verdict;
  while (!verdict && number < 40) {
    docket.tell(told(++number, Arm::kCanary, Standing::kError));
    verdict = docket.rule(1050);
  }
  ASSERT_TRUE(verdict);
  EXPECT_LE(verdict->canary.errors, 4U);
}

TEST(Docket, WaitsForTheStableArmBeforeItCompares) {
  Docket docket({.abort_when = *objectives_of({"errors > 1x stable"})});
  docket.tell(told(1, Arm::kStable, Standing::kOpen));
  for (std::uint64_t i = 2; i < 52; ++i) {
    docket.tell(i % 10 == 0 ? told(i, Arm::kCanary, Standing::kError)
                            : told(i, Arm::kStable, Standing::kOk));
  }
  EXPECT_FALSE(docket.rule(1'100));  // the stable request may fail in the same way
  docket.tell(told(1, Arm::kStable, Standing::kOk));
  EXPECT_TRUE(docket.rule(1'200));
}

TEST(Docket, StaysArmedAfterItPromoted) {
  Docket docket({.abort_when = *objectives_of({"errors > 5%"})});
  std::optional<Verdict> verdict;
  std::uint64_t number = 0;
  while (!verdict && number < 500) {
    docket.tell(told(++number, Arm::kStable, Standing::kError));
    verdict = docket.rule(2'000);
  }
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->ruling, Ruling::kPromote);
  verdict.reset();
  while (!verdict && number < 1'000) {
    Case request = told(++number, Arm::kCanary, Standing::kError);
    request.weight = 1;
    docket.tell(told(++number, Arm::kStable, Standing::kOk));
    for (int i = 0; i < 20; ++i) docket.tell(told(++number, Arm::kStable, Standing::kOk));
    request.number = ++number;
    docket.tell(request);
    verdict = docket.rule(2'000);
  }
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->ruling, Ruling::kRollback);
}

TEST(DocketTrapAssignment, TheWeightIsTheOneAtArrival) {
  const Objectives relative{.abort_when = *objectives_of({"errors > 2x stable"})};
  const auto evidence = [&](double at_arrival, double at_end) {
    Docket docket(relative);
    Case request = told(1, Arm::kCanary, Standing::kOpen);
    request.weight = at_arrival;
    docket.tell(request);
    request.weight = at_end;
    request.standing = Standing::kError;
    docket.tell(request);
    docket.rule(1'100);
    return docket.so_far(1'100).evidence.front().e_value;
  };
  EXPECT_EQ(evidence(0.1, 0.5), evidence(0.1, 0.1));
  EXPECT_NE(evidence(0.1, 0.5), evidence(0.5, 0.5));
}

TEST(DocketTrapTransport, WhatIsToldTwiceCountsOnce) {
  Docket once(usual());
  Docket twice(usual());
  Prng prng(4);
  for (const Planned& request : equal_arms(300, 0.5, 10ms, 10ms, prng)) {
    once.tell(request.told);
    once.rule(request.told.arrived_ms);
    for (int i = 0; i < 2; ++i) {
      twice.tell(request.told);
      twice.rule(request.told.arrived_ms);
    }
  }
  EXPECT_EQ(to_text(once), to_text(twice));
}

TEST(Docket, ForgetsWhatIsOpenWhenItsKeeperIsGoneAndCountsItsSuccessorsAnew) {
  Docket docket = hanging_canary({}, 100);
  const auto before = docket.judge().tally();
  docket.forget_open();
  EXPECT_EQ(docket.waiting(), 0U);
  docket.tell({.number = 1, .arm = Arm::kCanary, .weight = 0.25, .client = {}, .arrived_ms = 1});
  EXPECT_EQ(docket.judge().tally().events, before.events + 1);
}

TEST(Docket, IsBounded) {
  Docket docket = hanging_canary({}, Docket::kCasesMax + 100);
  EXPECT_LE(docket.waiting(), Docket::kCasesMax);
}

TEST(DocketState, GoesOnExactlyWhereItWasStored) {
  Prng prng(5);
  Docket through(usual());
  Docket stored(usual());
  std::uint64_t number = 0;
  for (int i = 0; i < 800; ++i) {
    const bool ends = number > 20 && prng.chance(0.5);
    const Case told{.number = ends ? number - prng.below(20) : ++number,
                    .arm = prng.chance(0.2) ? Arm::kCanary : Arm::kStable,
                    .weight = 0.2,
                    .client = prng.below(200),
                    .standing = !ends               ? Standing::kOpen
                                : prng.chance(0.05) ? Standing::kError
                                                    : Standing::kOk,
                    .arrived_ms = number * 100,
                    .latency = Duration(ends ? 80 : 0)};
    for (Docket* docket : {&through, &stored}) {
      docket->tell(told);
      docket->rule(number * 100);
    }
    if (i % 100 == 0) {
      auto restored = docket_from_text(usual(), to_text(stored));
      ASSERT_TRUE(restored) << restored.error().message;
      stored = *std::move(restored);
    }
  }
  EXPECT_EQ(to_text(stored), to_text(through));
}

TEST(DocketState, RefusesWhatIsNone) {
  for (const char* text : {"", "{}", "null", R"({"judge": {}})"}) {
    EXPECT_FALSE(docket_from_text(usual(), text)) << text;
  }
}

}  // namespace
}  // namespace ecluse::judge
