#include "control/judging.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "judge/verdict_json.h"
#include "sim/twins/by_hand.h"
#include "sim/twins/outcomes.h"

namespace ecluse::control {
namespace {

using namespace std::chrono_literals;
using ports::Outcome;
using sim::HandClock;
using sim::HandExecutor;

/// A control plane around the judge that remembers what it is told, and may die.
class JudgingTest : public testing::Test {
 protected:
  static inline const model::EnvironmentKey kKey{"lettings", "prod"};
  static constexpr const char* kRollout = "lettings/prod@3";

  JudgingTest() {
    release_.key = {kKey, 7};
    release_.spec.canary.abort_when = {"errors > 5%", "errors > 1x stable"};
    state_.key = kKey;
    rollout::Rollout r;
    r.id = kRollout;
    r.kind = rollout::Kind::kDeploy;
    r.phase = rollout::Phase::kHolding;
    r.release = 7;
    r.from = 6;
    r.plan.processes = {{.name = "web", .traffic = true}};
    r.from_plan = r.plan;
    state_.active = r;
    twin_.serve(kKey, 7);
    live();
  }

  /// A new life of the control plane, with what was stored.
  void live() {
    executor_.waiting.clear();
    judging_ = std::make_unique<Judging>(
        &twin_, clock_, executor_,
        Judging::Courier{[this](const auto& key, const auto& judged, const auto& trial) {
                           EXPECT_EQ(key, kKey);
                           rulings_.push_back(judged);
                           store(trial);
                         },
                         [this](const auto& trial) { store(trial); }});
    attend();
  }
  void attend() {
    judging_->attend(state_, &release_, [this](const std::string& key) {
      const auto found = stored_.find(key);
      return found == stored_.end() ? std::nullopt : std::optional(found->second);
    });
  }
  void store(const std::map<std::string, std::string>& trial) {
    for (const auto& [key, text] : trial) stored_[key] = text;
    stores_ += 1;
  }

  void visit(model::ReleaseNumber release, Outcome::State state, int times = 1) {
    for (int i = 0; i < times; ++i) {
      twin_.record(kKey, {.release = release, .weight_ppm = 100'000, .state = state});
    }
  }
  /// Nine of ten go to the old release and are well.
  void canary_fails(int times) {
    for (int i = 0; i < times; ++i) {
      visit(6, Outcome::State::kOk, 9);
      visit(7, Outcome::State::kError);
    }
  }
  void read(Duration passes = 100ms) {
    clock_.pass(passes);
    twin_.set_now(twin_.now_ms() + static_cast<std::uint64_t>(passes.count()));
    executor_.once();
  }
  const judge::Tally counted() {
    const auto* trial = judging_->trial(kRollout);
    if (trial == nullptr) return {};
    const auto verdict = trial->so_far();
    return {verdict.at_event, verdict.canary, verdict.stable};
  }

  HandClock clock_;
  HandExecutor executor_;
  sim::OutcomesTwin twin_;
  model::Release release_;
  rollout::State state_;
  std::map<std::string, std::string> stored_;
  int stores_ = 0;
  std::vector<rollout::Judged> rulings_;
  std::unique_ptr<Judging> judging_;
};

TEST_F(JudgingTest, TellsTheMachineOfARollbackWithItsEvidence) {
  canary_fails(6);
  read();
  ASSERT_EQ(rulings_.size(), 1U);
  EXPECT_EQ(rulings_[0].id, kRollout);
  EXPECT_EQ(rulings_[0].ruling, rollout::Ruling::kRollback);
  EXPECT_NE(rulings_[0].reason.find("canary requests failed"), std::string::npos);
  const auto evidence = nlohmann::json::parse(rulings_[0].evidence);
  EXPECT_EQ(evidence.at("verdict"), "rollback");
  EXPECT_TRUE(stored_.contains("trial/lettings/prod@3")) << "in the transaction of the verdict";
}

TEST_F(JudgingTest, ReadsOnAndOnWhileTheRolloutIsOnTrial) {
  for (int i = 0; i < 5; ++i) {
    visit(6, Outcome::State::kOk, 10);
    read();
    EXPECT_EQ(executor_.waiting.size(), 1U);
  }
  EXPECT_EQ(counted().stable.requests, 50U);
  EXPECT_TRUE(rulings_.empty());
}

TEST_F(JudgingTest, StopsWhenTheTrialIsOverAndKeepsItsPicture) {
  visit(6, Outcome::State::kOk, 10);
  read();
  state_.active.reset();
  attend();
  EXPECT_EQ(judging_->trial(kRollout), nullptr);
  read();
  EXPECT_TRUE(executor_.waiting.empty());
  const auto picture = picture_in(stored_.at("trial/lettings/prod@3"));
  ASSERT_TRUE(picture);
  EXPECT_FALSE(nlohmann::json::parse(stored_.at("trial/lettings/prod@3")).contains("docket"));
  EXPECT_EQ(nlohmann::json::parse(*picture).at("so_far").at("stable").at("requests"), 10);
}

TEST_F(JudgingTest, SaysWhereThingsStandWhenTheMachineAsks) {
  visit(7, Outcome::State::kOk, 3);
  state_.active->phase = rollout::Phase::kJudging;
  attend();
  read();
  ASSERT_EQ(rulings_.size(), 1U);
  EXPECT_EQ(rulings_[0].ruling, rollout::Ruling::kInconclusive);
  EXPECT_EQ(rulings_[0].canary_requests, 3U);
}

TEST_F(JudgingTest, LeavesOurOwnRequestsOut) {
  for (int i = 0; i < 50; ++i) {
    twin_.record(
        kKey,
        {.release = 7, .weight_ppm = 100'000, .state = Outcome::State::kError, .probe = true});
  }
  read();
  EXPECT_TRUE(rulings_.empty());
  EXPECT_EQ(counted().canary.requests, 0U);
}

TEST_F(JudgingTest, CountsEachOutcomeOnceWhenTheControlPlaneDies) {
  visit(6, Outcome::State::kOk, 100);
  visit(7, Outcome::State::kOk, 10);
  read(2s);  // stored
  ASSERT_EQ(stores_, 1);
  visit(6, Outcome::State::kOk, 5);
  visit(7, Outcome::State::kError);
  read(100ms);  // not stored: it lies in the gateway
  ASSERT_EQ(stores_, 1);
  live();
  EXPECT_EQ(counted().stable.requests, 100U);
  read();
  EXPECT_EQ(counted().stable.requests, 105U);
  EXPECT_EQ(counted().canary.requests, 11U);
  EXPECT_EQ(counted().canary.errors, 1U);
}

TEST_F(JudgingTest, KeepsItsEvidenceWhenTheControlPlaneDies) {
  canary_fails(2);
  read(2s);
  ASSERT_TRUE(rulings_.empty());
  live();
  canary_fails(2);  // with the two before they are enough; alone they are not
  read();
  ASSERT_EQ(rulings_.size(), 1U);
  EXPECT_EQ(rulings_[0].ruling, rollout::Ruling::kRollback);
}

TEST_F(JudgingTest, RulesAgainWhenAVerdictWasNotStored) {
  canary_fails(6);
  const auto before = stored_;
  read();
  ASSERT_EQ(rulings_.size(), 1U);
  stored_ = before;
  live();
  read();
  EXPECT_EQ(rulings_.size(), 2U);
}

TEST_F(JudgingTest, CountsOnWhenTheGatewaysMemoryIsNew) {
  visit(6, Outcome::State::kOk, 20);
  visit(6, Outcome::State::kPending);
  read();
  twin_.forget_everything();
  visit(6, Outcome::State::kOk, 20);
  read();
  EXPECT_EQ(counted().stable.requests, 41U);
}

TEST_F(JudgingTest, AsksAgainWhenTheGatewayDidNotAnswer) {
  twin_.set_away(true);
  read();
  EXPECT_TRUE(executor_.waiting.empty());
  ASSERT_TRUE(judging_->deadline());
  judging_->tick(*judging_->deadline() - 1ms);
  EXPECT_TRUE(executor_.waiting.empty());
  twin_.set_away(false);
  visit(6, Outcome::State::kOk, 3);
  judging_->tick(*judging_->deadline());
  read();
  EXPECT_EQ(counted().stable.requests, 3U);
}

TEST_F(JudgingTest, ReadsAgainWhenAReadNeverCameBack) {
  auto late = executor_.waiting.front().work();
  executor_.waiting.clear();
  clock_.pass(*judging_->deadline() - clock_.now());
  judging_->tick(clock_.now());
  visit(6, Outcome::State::kOk, 3);
  ASSERT_EQ(executor_.waiting.size(), 1U);
  late();
  EXPECT_EQ(executor_.waiting.size(), 1U) << "one read at a time";
  read();
  EXPECT_EQ(counted().stable.requests, 3U);
}

TEST_F(JudgingTest, IgnoresAnAnswerThatComesTwice) {
  visit(6, Outcome::State::kOk, 3);
  EXPECT_EQ(executor_.waiting.front().lane.urgency, Urgency::kWatch);
  auto completion = executor_.waiting.front().work();
  executor_.waiting.clear();
  completion();
  executor_.waiting.clear();
  state_.active.reset();
  attend();
  completion();
  EXPECT_TRUE(executor_.waiting.empty());
}

TEST_F(JudgingTest, StoresAtMostOnceASecondAndNothingWithoutTraffic) {
  for (int i = 0; i < 30; ++i) {
    visit(6, Outcome::State::kOk);
    read(100ms);
  }
  EXPECT_LE(stores_, 4);
  const int before = stores_;
  for (int i = 0; i < 30; ++i) read(100ms);
  EXPECT_EQ(stores_, before);
}

TEST(Trial, KeepsABoundedPictureOverAWholeDay) {
  Trial trial("lettings/prod@3", 7, {}, time_at(0));
  for (int second = 0; second < 86'400; second += 5) trial.hear({}, time_at(second * 1000));
  EXPECT_LE(trial.points().size(), Trial::kPointsMax);
  EXPECT_GE(trial.points().size(), Trial::kPointsMax / 4);
  EXPECT_GE(trial.points().back().at, 80'000s);
}

/// Seventy-five clients of the old release fail and none of twenty-five of the new one: it is
/// proven harmless.
ports::OutcomeBatch stable_fails(std::uint64_t first, const std::string& epoch) {
  ports::OutcomeBatch batch{.next = {epoch, first + 100}, .now_ms = 1'000, .outcomes = {}};
  for (std::uint64_t i = first; i < first + 100; ++i)
    batch.outcomes.push_back({.arrival = i,
                              .release = i % 4 == 0 ? 7U : 6U,
                              .weight_ppm = 250'000,
                              .client = i,
                              .state = i % 4 == 0 ? Outcome::State::kOk : Outcome::State::kError,
                              .arrived_ms = 900});
  return batch;
}

TEST(TrialTrapTransport, WhatWasLeftOutIsNotProvenHarmless) {
  Trial whole("lettings/prod@3", 7, {}, time_at(0));
  auto batch = stable_fails(1, "e");
  const auto promoted = whole.hear(batch, time_at(1'000));
  ASSERT_TRUE(promoted);
  EXPECT_EQ(promoted->ruling, judge::Ruling::kPromote);

  Trial sample("lettings/prod@3", 7, {}, time_at(0));
  batch.thinned = 5'000;
  EXPECT_FALSE(sample.hear(batch, time_at(1'000)));
  EXPECT_EQ(sample.tally().thinned, 5'000U);

  Trial late("lettings/prod@3", 7, {}, time_at(0));
  batch.thinned = 0;
  batch.lost = 3;
  EXPECT_FALSE(late.hear(batch, time_at(1'000))) << "overwritten before they were read";
}

TEST(TrialTrapTransport, WhatWasLeftOutIsRememberedOverLivesAndMemories) {
  Trial trial("lettings/prod@3", 7, {}, time_at(0));
  trial.hear({.next = {"e", 1}, .now_ms = 1'000, .thinned = 40, .outcomes = {}}, time_at(1'000));
  auto again = Trial::from_text("lettings/prod@3", 7, {}, trial.to_text());
  ASSERT_TRUE(again) << again.error().message;
  again->hear({.next = {"f", 1}, .now_ms = 1'100, .thinned = 2, .outcomes = {}}, time_at(1'100));
  again->hear({.next = {"f", 2}, .now_ms = 1'200, .outcomes = {}}, time_at(1'200));
  EXPECT_EQ(again->tally().thinned, 42U);
  EXPECT_FALSE(again->hear(stable_fails(1, "f"), time_at(1'300)));
}

TEST(Trial, IsTheSameAfterItWasStored) {
  Trial trial("lettings/prod@3", 7, {}, time_at(0));
  ports::OutcomeBatch batch{.next = {"e", 40}, .now_ms = 90'000, .lost = 2, .outcomes = {}};
  for (std::uint64_t i = 1; i <= 40; ++i) {
    batch.outcomes.push_back({.arrival = i,
                              .release = i % 4 == 0 ? 7U : 6U,
                              .weight_ppm = 250'000,
                              .client = i % 5,
                              .state = i % 7 == 0   ? Outcome::State::kError
                                       : i % 9 == 0 ? Outcome::State::kPending
                                                    : Outcome::State::kOk,
                              .arrived_ms = 80'000 + i,
                              .latency_ms = static_cast<std::uint32_t>(i)});
  }
  trial.hear(batch, time_at(5'000));
  auto again = Trial::from_text("lettings/prod@3", 7, {}, trial.to_text());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->to_text(), trial.to_text());
  EXPECT_FALSE(Trial::from_text("lettings/prod@4", 7, {}, trial.to_text()));
}

}  // namespace
}  // namespace ecluse::control
