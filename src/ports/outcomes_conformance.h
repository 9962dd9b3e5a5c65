#pragma once
// What every ports::Outcomes must do, the gateway's client and the twin alike. Test-only: include
// it in a *_test.cc and
//     INSTANTIATE_TEST_SUITE_P(Gateway, OutcomesConformance, testing::Values(factory));

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ports/outcomes.h"

namespace ecluse::ports {

/// A site "lettings/prod" with a stable release 6 and a release 7, and people who visit it.
class OutcomesWorld {
 public:
  virtual ~OutcomesWorld() = default;
  virtual Outcomes& outcomes() = 0;

  struct Stage {
    std::optional<model::ReleaseNumber> on_trial;
    std::uint32_t weight_ppm = 0;  ///< of release 7
    bool sticky = false;
  };
  /// What is served from now on. Before the first call there is no such site.
  virtual void stage(const Stage& stage) = 0;

  enum class Deed {
    kWell,    ///< answered with 200
    kFails,   ///< answered with 500
    kBreaks,  ///< the app closes without an answer
    kProbe,   ///< answered with 200, and it was us who asked
  };
  /// One request, done when it returns. `client`: the id it has from earlier; empty: none.
  virtual void visit(Deed deed, const std::string& client = "") = 0;
  /// One request whose answer waits for finish(): at most one at a time.
  virtual void begin() = 0;
  virtual void finish() = 0;
  /// Instead of finish(): the client goes away first.
  virtual void leave() = 0;
};
using OutcomesFactory = std::function<std::unique_ptr<OutcomesWorld>()>;

class OutcomesConformance : public testing::TestWithParam<OutcomesFactory> {
 protected:
  using Deed = OutcomesWorld::Deed;
  using State = Outcome::State;
  static inline const model::EnvironmentKey kKey{"lettings", "prod"};
  static constexpr std::uint32_t kAll = 1'000'000;
  static constexpr Duration kAtOnce{0};
  static constexpr Duration kLong{10'000};

  /// Everything on trial goes to release 7.
  void all_to_canary() { world_->stage({.on_trial = 7, .weight_ppm = kAll}); }

  OutcomeBatch read(const OutcomeCursor& cursor = {}, Duration patience = kAtOnce) {
    auto batch = world_->outcomes().read(kKey, cursor, patience);
    EXPECT_TRUE(batch) << (batch ? "" : batch.error().message);
    return batch.value_or(OutcomeBatch());
  }
  /// Reads on from `cursor` until `count` requests are settled; the newest record of each.
  std::map<std::uint64_t, Outcome> settled(std::size_t count, OutcomeCursor& cursor) {
    std::map<std::uint64_t, Outcome> newest;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (std::size_t done = 0; done < count && std::chrono::steady_clock::now() < deadline;) {
      OutcomeBatch batch = read(cursor, Duration(20));
      cursor = batch.next;
      for (const Outcome& outcome : batch.outcomes) newest[outcome.arrival] = outcome;
      done = static_cast<std::size_t>(std::count_if(newest.begin(), newest.end(), [](auto& entry) {
        return entry.second.state != State::kPending;
      }));
    }
    return newest;
  }
  std::map<std::uint64_t, Outcome> settled(std::size_t count) {
    OutcomeCursor cursor;
    return settled(count, cursor);
  }

  std::unique_ptr<OutcomesWorld> world_ = GetParam()();
};

TEST_P(OutcomesConformance, KnowsNothingOfASiteThatIsNotServed) {
  const auto batch = world_->outcomes().read({"none", "prod"}, {}, kAtOnce);
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().kind, ErrorKind::kNotFound);
}

TEST_P(OutcomesConformance, RecordsNothingWhileNothingIsOnTrial) {
  world_->stage({});
  world_->visit(Deed::kWell);
  world_->visit(Deed::kFails);
  EXPECT_TRUE(read().outcomes.empty());
}

TEST_P(OutcomesConformance, ReturnsWithNothingWhenPatienceEnds) {
  all_to_canary();
  const OutcomeBatch batch = read({}, Duration(30));
  EXPECT_TRUE(batch.outcomes.empty());
  EXPECT_FALSE(batch.next.epoch.empty());
  EXPECT_EQ(batch.lost, 0U);
}

TEST_P(OutcomesConformance, NumbersArrivalsFromOneAndSaysWhatEachWas) {
  all_to_canary();
  world_->visit(Deed::kWell);
  world_->visit(Deed::kFails);
  world_->visit(Deed::kBreaks);
  const auto outcomes = settled(3);
  ASSERT_EQ(outcomes.size(), 3U);
  std::uint64_t expected = 0;
  for (const auto& [arrival, outcome] : outcomes) {
    EXPECT_EQ(arrival, ++expected);
    EXPECT_EQ(outcome.release, 7U);
    EXPECT_EQ(outcome.weight_ppm, kAll);
    EXPECT_EQ(outcome.client, 0U);  // nobody is sticky: each request is a unit of its own
    EXPECT_FALSE(outcome.probe);
    EXPECT_GT(outcome.arrived_ms, 0U);
  }
  EXPECT_EQ(outcomes.at(1).state, State::kOk);
  EXPECT_EQ(outcomes.at(2).state, State::kError);
  EXPECT_EQ(outcomes.at(3).state, State::kError);
}

TEST_P(OutcomesConformance, TheStableArmIsRecordedToo) {
  world_->stage({.on_trial = 7, .weight_ppm = 0});
  world_->visit(Deed::kWell);
  const auto outcomes = settled(1);
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes.at(1).release, 6U);
  EXPECT_EQ(outcomes.at(1).weight_ppm, 0U);
}

TEST_P(OutcomesConformance, APendingRequestIsSeenAndThenSettledUnderTheSameArrival) {
  all_to_canary();
  world_->begin();
  const OutcomeBatch pending = read();
  ASSERT_EQ(pending.outcomes.size(), 1U);
  EXPECT_EQ(pending.outcomes[0].state, State::kPending);
  EXPECT_LE(pending.outcomes[0].arrived_ms, pending.now_ms);
  world_->visit(Deed::kWell);  // arrives later and is done first
  world_->finish();
  OutcomeCursor cursor = pending.next;
  const auto outcomes = settled(2, cursor);
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(outcomes.at(1).state, State::kOk);
  EXPECT_EQ(outcomes.at(1).arrived_ms, pending.outcomes[0].arrived_ms);
  EXPECT_EQ(outcomes.at(2).state, State::kOk);
  EXPECT_TRUE(read(cursor).outcomes.empty());
}

TEST_P(OutcomesConformance, WhoeverLeavesFirstIsNeitherASuccessNorAnError) {
  all_to_canary();
  world_->begin();
  world_->leave();
  const auto outcomes = settled(1);
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes.at(1).state, State::kLeft);
}

TEST_P(OutcomesConformance, ArrivalsOfABatchAreInOrder) {
  all_to_canary();
  for (int i = 0; i < 20; ++i) world_->visit(i % 3 == 0 ? Deed::kFails : Deed::kWell);
  const OutcomeBatch batch = read();
  ASSERT_EQ(batch.outcomes.size(), 20U);
  for (std::size_t i = 0; i < batch.outcomes.size(); ++i) {
    EXPECT_EQ(batch.outcomes[i].arrival, i + 1);
  }
}

TEST_P(OutcomesConformance, ACursorReadsTheSameAgainAfterItsReaderDied) {
  all_to_canary();
  world_->visit(Deed::kWell);
  const OutcomeBatch first = read();
  world_->visit(Deed::kWell);
  world_->visit(Deed::kFails);
  const OutcomeBatch once = read(first.next);
  const OutcomeBatch again = read(first.next);
  EXPECT_EQ(once.outcomes, again.outcomes);
  EXPECT_EQ(once.next, again.next);
  EXPECT_EQ(read(once.next).outcomes, std::vector<Outcome>());
}

TEST_P(OutcomesConformance, ADefaultCursorReadsAllThatIsKept) {
  all_to_canary();
  world_->visit(Deed::kWell);
  world_->visit(Deed::kWell);
  (void)read();
  EXPECT_EQ(read().outcomes.size(), 2U);
}

TEST_P(OutcomesConformance, AnErrorOfTheReleaseOnTrialEndsTheWaitAtOnce) {
  all_to_canary();
  const OutcomeCursor start = read().next;
  const auto began = std::chrono::steady_clock::now();
  auto waiting = std::async(std::launch::async, [&] { return read(start, kLong); });
  world_->visit(Deed::kFails);
  const OutcomeBatch batch = waiting.get();
  EXPECT_LT(std::chrono::steady_clock::now() - began, kLong / 2);
  ASSERT_FALSE(batch.outcomes.empty());
  EXPECT_EQ(batch.outcomes.back().state, State::kError);
}

TEST_P(OutcomesConformance, AStickyClientIsOneUnitAndItsIdIsNotTold) {
  world_->stage({.on_trial = 7, .weight_ppm = kAll, .sticky = true});
  const std::string one = "0123456789abcdef0123456789abcdef";
  const std::string other = "fedcba9876543210fedcba9876543210";
  world_->visit(Deed::kWell, one);
  world_->visit(Deed::kFails, one);
  world_->visit(Deed::kWell, other);
  const auto outcomes = settled(3);
  ASSERT_EQ(outcomes.size(), 3U);
  EXPECT_NE(outcomes.at(1).client, 0U);
  EXPECT_EQ(outcomes.at(1).client, outcomes.at(2).client);
  EXPECT_NE(outcomes.at(1).client, outcomes.at(3).client);
  EXPECT_NE(outcomes.at(3).client, 0U);
}

TEST_P(OutcomesConformance, ThoseWithoutACookieAreOneUnitWithTheirNeighbours) {
  world_->stage({.on_trial = 7, .weight_ppm = kAll, .sticky = true});
  world_->visit(Deed::kWell);
  world_->visit(Deed::kWell);
  const auto outcomes = settled(2);
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_NE(outcomes.at(1).client, 0U);
  EXPECT_EQ(outcomes.at(1).client, outcomes.at(2).client);
}

TEST_P(OutcomesConformance, OurOwnRequestsAreMarked) {
  all_to_canary();
  world_->visit(Deed::kProbe);
  world_->visit(Deed::kWell);
  const auto outcomes = settled(2);
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_TRUE(outcomes.at(1).probe);
  EXPECT_FALSE(outcomes.at(2).probe);
}

TEST_P(OutcomesConformance, TheWeightIsTheOneAtArrival) {
  all_to_canary();
  world_->begin();
  world_->stage({.on_trial = 7, .weight_ppm = 0});
  world_->visit(Deed::kWell);
  world_->finish();
  const auto outcomes = settled(2);
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(outcomes.at(1).release, 7U);
  EXPECT_EQ(outcomes.at(1).weight_ppm, kAll);
  EXPECT_EQ(outcomes.at(2).release, 6U);
  EXPECT_EQ(outcomes.at(2).weight_ppm, 0U);
}

TEST_P(OutcomesConformance, ATrialThatIsOverLeavesNothingToTheNextOfTheSameRelease) {
  all_to_canary();
  world_->visit(Deed::kFails);
  ASSERT_EQ(read().outcomes.size(), 1U);
  world_->stage({.weight_ppm = kAll});
  EXPECT_TRUE(read().outcomes.empty());
  all_to_canary();
  EXPECT_TRUE(read().outcomes.empty());
}

TEST_P(OutcomesConformance, ATrialThatIsOverLeavesTheCursorOfItsReader) {
  all_to_canary();
  world_->visit(Deed::kFails);
  const OutcomeBatch last = read();
  ASSERT_EQ(last.outcomes.size(), 1U);
  world_->stage({.weight_ppm = kAll});
  EXPECT_EQ(read(last.next).next, last.next);
}

TEST_P(OutcomesConformance, AnotherTrialBeginsEmpty) {
  world_->stage({.on_trial = 6, .weight_ppm = 0});
  world_->visit(Deed::kFails);
  const OutcomeBatch before = read();
  ASSERT_EQ(before.outcomes.size(), 1U);
  all_to_canary();
  EXPECT_TRUE(read().outcomes.empty());
  world_->visit(Deed::kWell);
  OutcomeCursor old = before.next;
  const auto outcomes = settled(1, old);
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes.begin()->second.release, 7U);
}

}  // namespace ecluse::ports
