#include "pipeline/step.h"

#include <gtest/gtest.h>

namespace ecluse::pipeline {
namespace {

class Pipeline : public ::testing::Test {
 protected:
  Pipeline() {
    state.id = "shop/prod@1";
    state.draft.spec.checks = {{.run = "lint"}, {.run = "test", .coverage_min = 0.8}};
  }
  void feed(const Event& event) {
    auto next = step(state, event, now);
    state = std::move(next.next);
    effects = std::move(next.effects);
  }
  Ack answer() const { return {.effect = state.pending ? state.pending->id : 0}; }

  State state;
  std::vector<Effect> effects;
  TimePoint now = time_at(1000);
};

TEST_F(Pipeline, ChecksThenBuildsThenPinsSecrets) {
  feed(Started{});
  ASSERT_EQ(effects.size(), 1U);
  EXPECT_EQ(effects[0].kind, EffectKind::kCheck);
  feed(answer());
  auto tested = answer();
  tested.coverage = 0.85;
  feed(tested);
  EXPECT_EQ(state.phase, Phase::kBuilding);
  auto built = answer();
  built.artifact.digest = "sha256:1";
  feed(built);
  auto sealed = answer();
  sealed.secret_versions = {{"TOKEN", 2}};
  feed(sealed);
  EXPECT_EQ(state.phase, Phase::kDone);
  EXPECT_EQ(state.draft.artifact.digest, "sha256:1");
  EXPECT_EQ(state.draft.secret_versions.at("TOKEN"), 2U);
}

TEST_F(Pipeline, TheFirstFailingCheckStopsEverything) {
  feed(Started{});
  auto red = answer();
  red.exit_code = 2;
  feed(red);
  EXPECT_EQ(state.phase, Phase::kFailed);
  EXPECT_EQ(state.reason, "check `lint` ended with exit code 2");
  EXPECT_FALSE(deadline(state));
}

TEST_F(Pipeline, TooLittleCoverageIsAFailure) {
  feed(Started{});
  feed(answer());
  auto low = answer();
  low.coverage = 0.5;
  feed(low);
  EXPECT_EQ(state.reason, "check `test`: coverage is 50.0%, at least 80.0% is asked for");
}

TEST_F(Pipeline, SkippedChecksAreShownWithTheReason) {
  state.skip_checks_reason = "hotfix";
  feed(Started{});
  EXPECT_EQ(state.phase, Phase::kBuilding);
  ASSERT_EQ(state.stages.size(), 3U);
  EXPECT_TRUE(state.stages[0].skipped);
  EXPECT_EQ(state.stages[0].detail, "hotfix");
}

TEST_F(Pipeline, AnArtifactThatExistsIsVerifiedNotBuilt) {
  state.draft.artifact.digest = "sha256:1";
  feed(Started{});
  EXPECT_EQ(effects.at(0).kind, EffectKind::kVerify);
}

TEST_F(Pipeline, AfterACrashTheSameEffectIsIssuedAgain) {
  feed(Started{});
  const auto id = effects.at(0).id;
  feed(Recovered{});
  ASSERT_EQ(effects.size(), 1U);
  EXPECT_EQ(effects[0].id, id);
}

TEST_F(Pipeline, ALateAnswerChangesNothing) {
  feed(Started{});
  const auto late = answer();
  feed(late);
  const auto before = state;
  feed(late);
  EXPECT_EQ(state, before);
}

TEST_F(Pipeline, ReadsBackAsItWasWritten) {
  feed(Started{});
  const auto back = state_from_text(to_text(state));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, state);
}

}  // namespace
}  // namespace ecluse::pipeline
