// The stories of issue 2 on twins: the real control code, simulated time, no faults.

#include "sim/story.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "control/evidence.h"

namespace ecluse::sim {
namespace {

using rollout::Kind;
using rollout::Outcome;
using rollout::Phase;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_F(Story, AFirstDeployServes) {
  const auto id = ticket(world.deploy("c1", "preprod"));
  EXPECT_EQ(id, "shop/preprod@1");
  settle();
  EXPECT_EQ(outcome(id), Outcome::kDone) << reason(id);
  EXPECT_EQ(arms("preprod"), (Arms{{1, 1'000'000}}));
  EXPECT_EQ(world.state("preprod")->stable, 1U);
  EXPECT_EQ(world.runtime.job_runs["shop-preprod-rjob-1-1"], 1);
  EXPECT_TRUE(world.runtime.exists("shop-preprod-1-worker-1"));
}

TEST_F(Story, ASecondReleaseReplacesTheFirstAfterTheBake) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  const auto id = ticket(world.deploy("c2", "preprod"));
  until("preprod", Phase::kBaking);
  EXPECT_EQ(arms("preprod"), (Arms{{1, 0}, {2, 1'000'000}}));
  EXPECT_TRUE(world.runtime.exists("shop-preprod-1-web-1")) << "the old one stays warm";
  EXPECT_FALSE(world.runtime.exists("shop-preprod-1-worker-1")) << "workers switch at commit";
  EXPECT_TRUE(world.runtime.exists("shop-preprod-2-worker-1"));
  settle();
  EXPECT_EQ(outcome(id), Outcome::kDone) << reason(id);
  EXPECT_EQ(arms("preprod"), (Arms{{2, 1'000'000}}));
  EXPECT_FALSE(world.runtime.exists("shop-preprod-1-web-1"));
}

TEST_F(Story, ABakeGivesWayToTheNextReleaseOnceThatIsBuilt) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  world.specs["ecluse.yml of c2"].environments[0].bake = hours(2);
  const auto second = ticket(world.deploy("c2", "preprod"));
  until("preprod", Phase::kBaking);
  const auto third = ticket(world.deploy("c3", "preprod"));
  settle(minutes(30));
  EXPECT_EQ(outcome(second), Outcome::kDone) << reason(second);
  EXPECT_EQ(outcome(third), Outcome::kDone) << reason(third);
}

TEST_F(Story, ARepeatedDeployDoesNotWaitForTheBakeToLearnThatThereIsNothingToDo) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  world.specs["ecluse.yml of c2"].environments[0].bake = hours(2);
  ticket(world.deploy("c2", "preprod"));
  until("preprod", Phase::kBaking);
  const auto again = ticket(world.deploy("c2", "preprod"));
  world.run_for(minutes(30));
  EXPECT_EQ(outcome(again), Outcome::kDone);
  EXPECT_EQ(reason(again), "release 2 already serves shop/preprod: nothing to do");
  EXPECT_EQ(world.state("preprod")->active->phase, Phase::kBaking) << "the bake goes on";
}

TEST_F(Story, DeployingTheSameReleaseTwiceChangesNothing) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  const auto id = ticket(world.deploy("c1", "preprod"));
  settle();
  EXPECT_EQ(outcome(id), Outcome::kDone);
  EXPECT_EQ(reason(id), "release 1 already serves shop/preprod: nothing to do");
  EXPECT_EQ(world.state("preprod")->stable, 1U);
  EXPECT_EQ(world.runtime.job_runs["shop-preprod-rjob-1-1"], 1);
}

TEST_F(Story, ACanaryHoldsAtEachWeight) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  world.specs["ecluse.yml of c2"].environments[0].canary.weights = {0.1, 0.5};
  ticket(world.deploy("c2", "preprod"));
  until("preprod", Phase::kHolding);
  EXPECT_EQ(arms("preprod"), (Arms{{1, 900'000}, {2, 100'000}}));
  world.run_for(seconds(31));
  EXPECT_EQ(arms("preprod"), (Arms{{1, 500'000}, {2, 500'000}}));
  const auto now = world.command("preprod", rollout::NowAsked{"alice"});
  world.run_for(seconds(1));
  EXPECT_EQ(arms("preprod"), (Arms{{1, 0}, {2, 1'000'000}}));
  settle();
}

TEST_F(Story, AReleaseThatNeverBecomesReadyGetsNoTrafficAndSaysWhy) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  world.runtime.habits = [](const ports::Launch& launch) {
    Habits habits;
    habits.never_ready = launch.id.find("-2-web-") != std::string::npos;
    habits.lines = {"KeyError: 'STRIPE_KEY'"};
    return habits;
  };
  const auto id = ticket(world.deploy("c2", "preprod"));
  settle();
  EXPECT_EQ(outcome(id), Outcome::kAborted);
  EXPECT_NE(reason(id).find("not ready within"), std::string::npos) << reason(id);
  const auto evidence = control::evidence_from_text(world.record(id)->rollout.evidence);
  ASSERT_TRUE(evidence) << evidence.error().message;
  EXPECT_EQ(evidence->likely_reason, "the environment variable STRIPE_KEY is missing");
  EXPECT_EQ(arms("preprod"), (Arms{{1, 1'000'000}}));
  EXPECT_FALSE(world.runtime.exists("shop-preprod-2-web-1"));
  EXPECT_TRUE(world.runtime.exists("shop-preprod-1-worker-1"));
}

TEST_F(Story, AFailingReleaseJobStopsTheRolloutAndLeavesTheOldOneAlone) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  world.runtime.habits = [](const ports::Launch& launch) {
    Habits habits;
    if (launch.id.find("-rjob-2-") != std::string::npos) habits.job_exit = 3;
    habits.lines = {"relation exists"};
    return habits;
  };
  const auto id = ticket(world.deploy("c2", "preprod"));
  settle();
  EXPECT_EQ(outcome(id), Outcome::kAborted);
  EXPECT_EQ(reason(id), "release job `migrate` ended with exit code 3: relation exists");
  EXPECT_EQ(arms("preprod"), (Arms{{1, 1'000'000}}));
  EXPECT_FALSE(world.runtime.exists("shop-preprod-2-web-1"));
}

TEST_F(Story, ARedCheckStopsEverythingAfterIt) {
  world.builder.red_commits = {"c1"};
  const auto id = ticket(world.deploy("c1", "preprod"));
  settle();
  EXPECT_EQ(outcome(id), Outcome::kFailed);
  EXPECT_EQ(reason(id), "check `test` ended with exit code 1");
  EXPECT_TRUE(world.builder.artifacts.empty());
}

TEST_F(Story, PromotionTakesTheVeryArtifactAndWaitsForApproval) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  const auto id = ticket(world.promote("prod"));
  until("prod", Phase::kGated);
  world.run_for(hours(5));
  EXPECT_TRUE(arms("prod").empty());
  EXPECT_EQ(world.state("prod")->active->waits_for, "an approval");
  world.approve("prod");
  settle();
  EXPECT_EQ(outcome(id), Outcome::kDone) << reason(id);
  const auto* prod = world.engine->find({"shop", "prod"});
  const auto* preprod = world.engine->find({"shop", "preprod"});
  EXPECT_EQ(prod->releases.at(1)->artifact.digest, preprod->releases.at(1)->artifact.digest);
}

TEST_F(Story, AnApprovalThatNeverComesEndsTheRollout) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  const auto id = ticket(world.promote("prod"));
  until("prod", Phase::kGated);
  settle(hours(24 * 8));
  EXPECT_EQ(outcome(id), Outcome::kAborted);
  EXPECT_EQ(reason(id), "nobody approved within 7d");
}

TEST_F(Story, ARollbackInTheBakeIsASwapAndSoIsRollingForwardAgain) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  const auto deployed = ticket(world.deploy("c2", "preprod"));
  until("preprod", Phase::kBaking);
  const auto before = world.scheduler.now();
  const auto back = ticket(world.rollback("preprod"));
  EXPECT_LT(world.scheduler.now() - before, std::chrono::milliseconds(100));
  EXPECT_EQ(arms("preprod"), (Arms{{1, 1'000'000}, {2, 0}}));
  until("preprod", Phase::kBaking);
  EXPECT_TRUE(world.runtime.exists("shop-preprod-1-worker-1"));
  EXPECT_FALSE(world.runtime.exists("shop-preprod-2-worker-1"));
  EXPECT_EQ(world.state("preprod")->stable, 1U);
  const auto forward = ticket(world.rollback("preprod", 2));
  EXPECT_EQ(arms("preprod"), (Arms{{2, 1'000'000}, {1, 0}}));
  settle();
  EXPECT_EQ(world.state("preprod")->stable, 2U);
  EXPECT_EQ(outcome(forward), Outcome::kDone) << reason(forward);
  EXPECT_EQ(outcome(back), Outcome::kDone);
  EXPECT_EQ(reason(deployed), "rolled back to release 1 by bob");
}

TEST_F(Story, ARollbackAfterTheBakeStartsThePinnedArtifactAgainWithoutItsJobs) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  ticket(world.deploy("c2", "preprod"));
  settle();
  const auto id = ticket(world.rollback("preprod"));
  settle();
  EXPECT_EQ(outcome(id), Outcome::kDone) << reason(id);
  EXPECT_EQ(world.state("preprod")->stable, 1U);
  EXPECT_EQ(arms("preprod"), (Arms{{1, 1'000'000}}));
  EXPECT_EQ(world.runtime.job_runs["shop-preprod-rjob-1-1"], 1);
}

TEST_F(Story, AnAbortInTheBakeBringsTheOldReleaseBack) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  const auto id = ticket(world.deploy("c2", "preprod"));
  until("preprod", Phase::kBaking);
  world.command("preprod", rollout::AbortAsked{"bob", "errors"});
  settle();
  EXPECT_EQ(outcome(id), Outcome::kAborted);
  EXPECT_EQ(reason(id), "aborted by bob: errors");
  EXPECT_EQ(world.state("preprod")->stable, 1U);
  EXPECT_EQ(arms("preprod"), (Arms{{1, 1'000'000}}));
  EXPECT_TRUE(world.runtime.exists("shop-preprod-1-worker-1"));
  EXPECT_FALSE(world.runtime.exists("shop-preprod-2-worker-1"));
}

TEST_F(Story, AReleaseThatCrashesWhileBakingIsRolledBack) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  world.runtime.habits = [](const ports::Launch& launch) {
    Habits habits;
    if (launch.id.find("-2-web-1") != std::string::npos) habits.crash_after = seconds(9);
    return habits;
  };
  const auto id = ticket(world.deploy("c2", "preprod"));
  settle();
  EXPECT_EQ(outcome(id), Outcome::kAborted);
  EXPECT_EQ(reason(id), "shop-preprod-2-web-1 exited with code 1");
  EXPECT_EQ(arms("preprod"), (Arms{{1, 1'000'000}}));
}

TEST_F(Story, ASecondDeployQueuesAndANewerOneReplacesIt) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  ticket(world.deploy("c2", "preprod"));
  world.specs["ecluse.yml of c3"].environments[0].env["VERSION"] = std::string("3");
  const auto second = ticket(world.deploy("c1", "preprod"));
  const auto third = ticket(world.deploy("c3", "preprod"));
  settle();
  EXPECT_EQ(outcome(second), Outcome::kSuperseded);
  EXPECT_EQ(outcome(third), Outcome::kDone) << reason(third);
  EXPECT_EQ(world.engine->find({"shop", "preprod"})
                ->releases.at(world.state("preprod")->stable)
                ->commit.sha,
            "c3");
}

TEST_F(Story, RestartScaleStopAndStart) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  const auto restarted = ticket(world.again("preprod", Kind::kRestart));
  settle();
  EXPECT_EQ(outcome(restarted), Outcome::kDone) << reason(restarted);
  EXPECT_EQ(world.state("preprod")->stable, 2U);
  EXPECT_EQ(world.runtime.job_runs.count("shop-preprod-rjob-2-1"), 0U);
  EXPECT_EQ(world.runtime.launch_of("shop-preprod-2-web-1")->layer_path, "/layers/shop/preprod/1");
  ticket(world.again("preprod", Kind::kScale, {{"web", 3}}));
  settle();
  EXPECT_TRUE(world.runtime.exists("shop-preprod-3-web-3"));
  ticket(world.stop("preprod"));
  settle();
  EXPECT_TRUE(world.state("preprod")->stopped);
  EXPECT_TRUE(world.runtime.list()->empty());
  EXPECT_EQ(world.traffic.site({"shop", "preprod"})->mode, ports::SiteMode::kMaintenance);
  ticket(world.again("preprod", Kind::kStart));
  settle();
  EXPECT_FALSE(world.state("preprod")->stopped);
  EXPECT_EQ(arms("preprod"), (Arms{{4, 1'000'000}}));
}

TEST_F(Story, MaintenanceIsASwapOfTheSite) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  world.command("preprod", rollout::MaintenanceAsked{true, "bob"});
  world.run_for(seconds(1));
  EXPECT_EQ(world.traffic.site({"shop", "preprod"})->mode, ports::SiteMode::kMaintenance);
  world.command("preprod", rollout::MaintenanceAsked{false, "bob"});
  world.run_for(seconds(1));
  EXPECT_EQ(world.traffic.site({"shop", "preprod"})->mode, ports::SiteMode::kServe);
}

TEST_F(Story, AKilledControlPlaneResumesWhereItWas) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  const auto id = ticket(world.deploy("c2", "preprod"));
  until("preprod", Phase::kProbing);
  world.crash();
  ASSERT_TRUE(world.boot());
  settle();
  EXPECT_EQ(outcome(id), Outcome::kDone) << reason(id);
  EXPECT_EQ(arms("preprod"), (Arms{{2, 1'000'000}}));
  EXPECT_EQ(world.runtime.job_runs["shop-preprod-rjob-2-1"], 1);
}

TEST_F(Story, AnAbortThatWasLatchedButNotCommittedStands) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  const auto id = ticket(world.deploy("c2", "preprod"));
  until("preprod", Phase::kBaking);
  world.run_for(seconds(1));
  world.store.set_fault(Error{ErrorKind::kExhausted, "the disk is full", ""});
  world.command("preprod", rollout::AbortAsked{"bob", "errors"});
  world.run_for(seconds(1));
  EXPECT_EQ(arms("preprod").front(),
            (std::pair<model::ReleaseNumber, std::uint32_t>{1, 1'000'000}));
  world.crash(0);
  world.store.set_fault(std::nullopt);
  EXPECT_EQ(world.stored(world.key("preprod"))->active->phase, Phase::kBaking)
      << "nothing was recorded";
  ASSERT_TRUE(world.boot());
  settle();
  EXPECT_EQ(outcome(id), Outcome::kAborted);
  EXPECT_EQ(world.state("preprod")->stable, 1U);
  EXPECT_EQ(arms("preprod"), (Arms{{1, 1'000'000}}));
}

TEST_F(Story, AfterARebootTheStableReleaseIsStartedAgain) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  world.reboot();
  ASSERT_TRUE(world.boot());
  world.run_for(seconds(10));
  EXPECT_TRUE(world.runtime.healthy("shop-preprod-1-web-1"));
  EXPECT_TRUE(world.runtime.exists("shop-preprod-1-worker-1"));
  const auto* site = world.traffic.site({"shop", "preprod"});
  ASSERT_EQ(site->arms.size(), 1U);
  for (const auto& target : site->arms[0].backends[0].targets) EXPECT_TRUE(target.ready);
}

TEST_F(Story, AReleaseWhoseJobFailedRunsItAgainWhenItIsDeployedAgain) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  bool database_is_full = true;
  world.runtime.habits = [&](const ports::Launch& launch) {
    return Habits{.job_exit = database_is_full && launch.id.find("-rjob-") != std::string::npos};
  };
  const auto failed = ticket(world.deploy("c2", "preprod"));
  settle();
  ASSERT_EQ(outcome(failed), Outcome::kAborted);
  database_is_full = false;
  const auto again = ticket(world.deploy("c2", "preprod"));
  settle();
  EXPECT_EQ(outcome(again), Outcome::kDone) << reason(again);
  const auto serves = world.state("preprod")->stable;
  EXPECT_TRUE(world.runtime.has_done(fmt::format("shop-preprod-rjob-{}-1", serves)));
}

TEST_F(Story, OfEndedRolloutsTheNewestAreKeptAndTheAuditIsWhole) {
  world.settings.records_kept = 2;
  world.crash();
  ASSERT_TRUE(world.boot());
  std::vector<std::string> ids = {ticket(world.deploy("c1", "preprod"))};
  settle();
  for (int i = 0; i < 3; ++i) {
    ids.push_back(ticket(world.again("preprod", Kind::kRestart)));
    settle();
  }
  EXPECT_FALSE(world.record(ids[0]));
  EXPECT_FALSE(world.record(ids[1]));
  EXPECT_TRUE(world.record(ids[2]));
  EXPECT_TRUE(world.record(ids[3]));
  const auto events = world.store.events({.kind_prefix = "rollout.", .limit = 1000});
  ASSERT_TRUE(events);
  for (const auto& id : ids)
    EXPECT_TRUE(std::ranges::any_of(*events, [&](const auto& event) {
      return event.body.find(id) != std::string::npos;
    })) << id;
}

TEST_F(Story, AnExceptionInABuildEndsTheRolloutAndNotTheProgram) {
  world.builder.odd_commits = {"c1"};
  const auto id = ticket(world.deploy("c1", "preprod"));
  settle();
  EXPECT_EQ(outcome(id), Outcome::kFailed);
  EXPECT_TRUE(reason(id).starts_with("ecluse did not foresee this: too many links")) << reason(id);
}

TEST_F(Story, AnExceptionInAnEffectEndsTheRolloutAndNotTheProgram) {
  world.runtime.habits = [](const ports::Launch&) -> Habits {
    throw std::runtime_error("too many links");
  };
  const auto id = ticket(world.deploy("c1", "preprod"));
  settle();
  EXPECT_EQ(outcome(id), Outcome::kAborted);
  EXPECT_NE(reason(id).find("too many links"), std::string::npos) << reason(id);
}

TEST_F(Story, AReleaseThatGoesRedAloneWhileBakingIsRolledBack) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  world.runtime.habits = [](const ports::Launch&) {
    return Habits{.flap_after = seconds(20), .flap_for = seconds(5)};
  };
  const auto id = ticket(world.deploy("c2", "preprod"));
  settle();
  EXPECT_EQ(outcome(id), Outcome::kAborted);
  EXPECT_EQ(world.state("preprod")->stable, 1U);
}

}  // namespace
}  // namespace ecluse::sim
