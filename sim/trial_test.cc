// What the judge's rulings do to a rollout, on twins.

#include "sim/story.h"

namespace ecluse::sim {
namespace {

using rollout::Judged;
using rollout::Outcome;
using rollout::Phase;
using rollout::Ruling;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class Trial : public Story {
 protected:
  /// Release 2 beside release 1, holding at 10 %.
  void hold_at_ten_percent(model::CanarySpec canary = {}) {
    canary.weights = {0.1, 0.5};
    canary.hold = seconds(60);
    ticket(world.deploy("c1", "preprod"));
    settle();
    auto& spec = world.specs["ecluse.yml of c2"].environments[0];
    spec.canary = canary;
    spec.bake = hours(1);
    id = ticket(world.deploy("c2", "preprod"));
    until("preprod", Phase::kHolding);
  }
  void rule(Ruling ruling, std::uint64_t canary_requests = 100) {
    world.command("preprod", Judged{.id = id,
                                    .ruling = ruling,
                                    .objective = "errors > 5%",
                                    .reason = "7 of 8 requests failed",
                                    .evidence = "{}",
                                    .canary_requests = canary_requests});
    world.run_for(seconds(1));
  }
  /// The holds are over, and the judge says that it cannot say.
  void end_inconclusive(std::uint64_t canary_requests = 100) {
    until("preprod", Phase::kJudging);
    rule(Ruling::kInconclusive, canary_requests);
  }
  Phase phase() { return world.state("preprod")->active->phase; }
  std::string id;
};

TEST_F(Trial, AReleaseOnTrialIsNamedToTheGatewayUntilItsBakeIsOver) {
  hold_at_ten_percent();
  const auto on_trial = [&] { return world.traffic.site({"shop", "preprod"})->on_trial; };
  EXPECT_EQ(on_trial(), 2U);
  until("preprod", Phase::kBaking);
  EXPECT_EQ(on_trial(), 2U);
  settle(hours(3));
  EXPECT_EQ(on_trial(), std::nullopt);
}

TEST_F(Trial, ARollbackRulingTakesTheWeightAwayAndSaysWhy) {
  hold_at_ten_percent();
  rule(Ruling::kRollback);
  EXPECT_EQ(arms("preprod").front(),
            (std::pair<model::ReleaseNumber, std::uint32_t>(1, 1'000'000)));
  settle();
  EXPECT_EQ(outcome(id), Outcome::kAborted);
  EXPECT_EQ(reason(id), "the judge: 7 of 8 requests failed");
  EXPECT_EQ(world.record(id)->rollout.verdict->objective, "errors > 5%");
  const auto events = world.store.events({.kind_prefix = "rollout.judged", .limit = 100});
  ASSERT_EQ(events->size(), 1U);
  EXPECT_NE(events->front().body.find("7 of 8 requests failed"), std::string::npos);
}

TEST_F(Trial, ARollbackRulingIsHeardInTheBakeToo) {
  hold_at_ten_percent();
  until("preprod", Phase::kBaking);
  rule(Ruling::kRollback);
  settle();
  EXPECT_EQ(outcome(id), Outcome::kAborted);
  EXPECT_EQ(arms("preprod"), (Arms{{1, 1'000'000}}));
  EXPECT_TRUE(world.runtime.exists("shop-preprod-1-worker-1")) << "its workers are restored";
}

TEST_F(Trial, ARulingWaitsWhileTheOldReleaseIsRedToo) {
  hold_at_ten_percent();
  for (const char* web : {"shop-preprod-1-web-1", "shop-preprod-1-web-2"})
    world.engine->on_probe({web, ports::ProbeChange::kUnready, "503"});
  rule(Ruling::kRollback);
  EXPECT_EQ(phase(), Phase::kHolding) << "going back would help nobody";
  world.engine->on_probe({"shop-preprod-1-web-1", ports::ProbeChange::kReady, "200"});
  settle();
  EXPECT_EQ(outcome(id), Outcome::kAborted);
}

TEST_F(Trial, WhatIsProvenHarmlessNeedNotSitOutItsHolds) {
  hold_at_ten_percent();
  rule(Ruling::kPromote);
  EXPECT_EQ(phase(), Phase::kHolding) << "each share is held a little all the same";
  world.run_for(seconds(10));
  EXPECT_EQ(arms("preprod"), (Arms{{1, 500'000}, {2, 500'000}}));
  world.run_for(seconds(15));
  EXPECT_EQ(arms("preprod"), (Arms{{1, 0}, {2, 1'000'000}}));
}

TEST_F(Trial, ARulingAboutAnotherRolloutIsLate) {
  hold_at_ten_percent();
  const auto mine = std::exchange(id, "shop/preprod@1");
  rule(Ruling::kRollback);
  EXPECT_EQ(phase(), Phase::kHolding);
  EXPECT_EQ(world.state("preprod")->active->id, mine);
}

TEST_F(Trial, AfterARollbackRulingNoLaterOneCounts) {
  hold_at_ten_percent();
  rule(Ruling::kRollback);
  rule(Ruling::kPromote);
  settle();
  EXPECT_EQ(outcome(id), Outcome::kAborted);
}

TEST_F(Trial, InconclusivePromotesByDefaultAndStaysArmed) {
  hold_at_ten_percent();
  end_inconclusive();
  until("preprod", Phase::kBaking);
  EXPECT_EQ(world.state("preprod")->stable, 2U);
  rule(Ruling::kRollback);
  settle();
  EXPECT_EQ(world.state("preprod")->stable, 1U);
}

TEST_F(Trial, AJudgeThatDoesNotAnswerHasProvenNothing) {
  hold_at_ten_percent({.inconclusive = model::Inconclusive::kHold});
  until("preprod", Phase::kUndecided);
  EXPECT_EQ(world.state("preprod")->active->stages.back().detail, "the judge gave no answer");
}

TEST_F(Trial, HoldWaitsForAProofOrAPerson) {
  hold_at_ten_percent({.inconclusive = model::Inconclusive::kHold});
  end_inconclusive();
  world.run_for(hours(5));
  EXPECT_EQ(phase(), Phase::kUndecided);
  EXPECT_EQ(arms("preprod"), (Arms{{1, 500'000}, {2, 500'000}}));
  EXPECT_FALSE(rollout::awaiting_approval(*world.state("preprod"), id));
  rule(Ruling::kPromote);
  until("preprod", Phase::kBaking);
}

TEST_F(Trial, AskWaitsForAnApproval) {
  hold_at_ten_percent({.inconclusive = model::Inconclusive::kAsk});
  end_inconclusive();
  world.run_for(hours(5));
  EXPECT_EQ(phase(), Phase::kUndecided);
  world.approve("preprod");
  until("preprod", Phase::kBaking);
}

TEST_F(Trial, WhatNobodyDecidesIsGivenUpInAWeek) {
  hold_at_ten_percent({.inconclusive = model::Inconclusive::kAsk});
  end_inconclusive();
  settle(hours(24 * 8));
  EXPECT_EQ(reason(id), "nobody decided within 7d");
}

TEST_F(Trial, WithoutTrafficItWaitsAndIsNeitherPromotedNorRolledBack) {
  hold_at_ten_percent();
  end_inconclusive(0);
  world.run_for(hours(5));
  EXPECT_EQ(phase(), Phase::kUndecided);
  EXPECT_EQ(world.state("preprod")->active->stages.back().detail, "no request came to be judged");
}

TEST_F(Trial, NoTrafficProbeAsksBothReleasesItself) {
  hold_at_ten_percent({.no_traffic = model::NoTraffic::kProbe});
  end_inconclusive(0);
  until("preprod", Phase::kBaking);
}

TEST_F(Trial, AReleaseThatFailsSyntheticRequestsWhichTheOldOneAnswersIsRolledBack) {
  hold_at_ten_percent({.inconclusive = model::Inconclusive::kProbe});
  world.traffic.answers = [](const std::string& instance) {
    return instance.find("-2-web") == std::string::npos;
  };
  end_inconclusive();
  settle();
  EXPECT_EQ(outcome(id), Outcome::kAborted);
  EXPECT_EQ(reason(id), "3 of 3 synthetic requests failed, 0 of the old release's");
}

TEST_F(Trial, NoTrafficPromoteGoesOnAndSaysSo) {
  hold_at_ten_percent({.no_traffic = model::NoTraffic::kPromote});
  end_inconclusive(0);
  until("preprod", Phase::kBaking);
  const auto& stages = world.state("preprod")->active->stages;
  const auto judging = std::ranges::find(stages, "judging", &rollout::Stage::name);
  ASSERT_NE(judging, stages.end());
  EXPECT_EQ(judging->detail,
            "no request came to be judged; promoted, as the policy says, and judged on while the "
            "old release is warm");
}

TEST_F(Trial, AProbeThatBothReleasesFailIsForAPerson) {
  hold_at_ten_percent({.inconclusive = model::Inconclusive::kProbe});
  world.traffic.answers = [](const std::string&) { return false; };
  end_inconclusive();
  world.run_for(hours(5));
  EXPECT_EQ(phase(), Phase::kUndecided);
  world.traffic.answers = [](const std::string&) { return true; };
  world.command("preprod", rollout::NowAsked{"alice"});
  until("preprod", Phase::kBaking);
}

TEST_F(Trial, PromoteNowSkipsTheHolds) {
  hold_at_ten_percent();
  world.command("preprod", rollout::NowAsked{"alice", "it is urgent"});
  world.run_for(seconds(2));
  EXPECT_EQ(arms("preprod"), (Arms{{1, 0}, {2, 1'000'000}}));
  const auto events = world.store.events({.kind_prefix = "rollout.hurried", .limit = 100});
  ASSERT_EQ(events->size(), 1U);
  EXPECT_NE(events->front().body.find("it is urgent"), std::string::npos);
  until("preprod", Phase::kBaking);
  world.command("preprod", rollout::NowAsked{"alice"});
  settle(minutes(1));
  EXPECT_EQ(outcome(id), Outcome::kDone) << "it ends the bake too";
}

TEST_F(Trial, PromoteNowDecidesWhatIsUndecided) {
  hold_at_ten_percent({.inconclusive = model::Inconclusive::kHold});
  end_inconclusive();
  world.command("preprod", rollout::NowAsked{"alice"});
  until("preprod", Phase::kBaking);
}

TEST_F(Trial, APauseEndsAfterADay) {
  hold_at_ten_percent();
  world.command("preprod", rollout::PauseAsked{"bob"});
  world.run_for(hours(23));
  EXPECT_EQ(phase(), Phase::kHolding);
  EXPECT_EQ(arms("preprod"), (Arms{{1, 900'000}, {2, 100'000}}));
  settle(hours(2));
  EXPECT_EQ(outcome(id), Outcome::kAborted);
  EXPECT_EQ(reason(id), "it was paused for 1d");
}

TEST_F(Trial, APausedRolloutIsNotPromotedByARuling) {
  hold_at_ten_percent();
  world.command("preprod", rollout::PauseAsked{"bob"});
  rule(Ruling::kPromote);
  world.run_for(minutes(30));
  EXPECT_EQ(phase(), Phase::kHolding);
  world.command("preprod", rollout::ResumeAsked{"bob"});
  until("preprod", Phase::kBaking);
}

}  // namespace
}  // namespace ecluse::sim
