// What an environment demands before a release may go on: people, words, checks, backups.

#include "sim/story.h"

namespace ecluse::sim {
namespace {

using rollout::Outcome;
using rollout::Phase;
using std::chrono::hours;
using std::chrono::minutes;

class Gate : public Story {
 protected:
  /// Release 1 of prod, asked for and built, at its gate.
  std::string promote_to_gate(const std::function<void(model::EnvironmentSpec&)>& demand) {
    for (const char* sha : {"c1", "c2"})
      demand(world.specs[fmt::format("ecluse.yml of {}", sha)].environments[1]);
    ticket(world.deploy("c1", "preprod"));
    settle();
    auto id = ticket(world.promote("prod"));
    until("prod", Phase::kGated);
    return id;
  }
  Result<void> approve(const std::string& who, const std::string& word = "") {
    const model::EnvironmentKey key{"shop", "prod"};
    const auto approved =
        control::approval(*world.engine->find(key), {key, who, ""}, "", word, settings);
    if (!approved) return fail(approved.error());
    world.engine->command(key, *approved, who, [](const Result<void>&) {});
    return {};
  }
  /// Deploys c2 over c1, with a job that cannot be undone.
  std::string deploy_irreversible(const std::string& without_backup = "") {
    if (world.state("preprod") == nullptr) {
      ticket(world.deploy("c1", "preprod"));
      settle();
    }
    world.specs["ecluse.yml of c2"].environments[0].release[0].reversible = false;
    const auto order = control::deploy_order(world.ports, {.repository = "/repository",
                                                           .ref = "c2",
                                                           .environment = "preprod",
                                                           .actor = "alice",
                                                           .without_backup = without_backup});
    auto id = fmt::format("shop/preprod@{}", world.state("preprod")->next_rollout);
    world.engine->request(order->key, order->request, order->pipeline,
                          [](const Result<control::Ticket>&) {});
    return id;
  }
  bool is_backed_up(model::ReleaseNumber release) const {
    return world.backups.proven.contains({{"shop", "preprod"}, release});
  }

  control::Settings settings{.is_member = [](const std::string& person, const std::string& group) {
    return person == "anna" && group == "admins";
  }};
};

TEST_F(Gate, OnlyThoseWhoAreNamedApprove) {
  const auto id = promote_to_gate(
      [](auto& prod) { prod.approvers = std::vector<std::string>{"admins", "dora"}; });
  const auto refused = approve("bob (uid 7)");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kRefused);
  EXPECT_EQ(refused.error().hint, "it takes one of admins, dora");
  EXPECT_TRUE(arms("prod").empty());
  ASSERT_TRUE(approve("anna (uid 9)"));
  settle();
  EXPECT_EQ(outcome(id), Outcome::kDone) << reason(id);
}

TEST_F(Gate, TheTypedWordMustBeTheRightOne) {
  const auto id = promote_to_gate([](auto& prod) {
    prod.deploy = model::DeployPolicy::kConfirm;
    prod.confirm = "DEPLOY";
  });
  EXPECT_EQ(world.state("prod")->active->waits_for, "the word DEPLOY to be typed");
  const auto refused = approve("alice", "deploy");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "`deploy` is not the word that shop/prod asks for");
  ASSERT_TRUE(approve("alice", "DEPLOY"));
  settle();
  EXPECT_EQ(outcome(id), Outcome::kDone) << reason(id);
}

TEST_F(Gate, ASecretWithoutAValueIsToldBeforeAnythingIsBuilt) {
  world.specs["ecluse.yml of c1"].environments[0].secrets = {"TOKEN"};
  EXPECT_EQ(ticket(world.deploy("c1", "preprod")),
            "shop/preprod has no value for the secrets TOKEN");
  EXPECT_TRUE(world.builder.artifacts.empty());
}

TEST_F(Gate, WhatIsApprovedIsBuiltAndItsChecksPassedOnThisVeryCommit) {
  world.specs["ecluse.yml of c2"].environments[0].deploy = model::DeployPolicy::kApproval;
  world.builder.red_commits = {"c2"};
  ticket(world.deploy("c1", "preprod"));
  settle();
  const auto red = ticket(world.deploy("c2", "preprod"));
  settle();
  EXPECT_EQ(outcome(red), Outcome::kFailed);
  EXPECT_EQ(reason(red), "check `test` ended with exit code 1");
  world.builder.red_commits = {};
  const auto green = ticket(world.deploy("c2", "preprod"));
  until("preprod", Phase::kGated);
  EXPECT_TRUE(world.builder.artifacts.contains("sha256:c2")) << "before anybody is asked";
  world.approve("preprod");
  settle();
  EXPECT_EQ(outcome(green), Outcome::kDone) << reason(green);
}

TEST_F(Gate, AJobThatCannotBeUndoneRunsAfterAProvenBackup) {
  bool was_backed_up = false;
  world.runtime.habits = [&](const ports::Launch& launch) {
    if (launch.id == "shop-preprod-rjob-2-1") was_backed_up = is_backed_up(2);
    return Habits{};
  };
  const auto id = deploy_irreversible();
  settle();
  EXPECT_EQ(outcome(id), Outcome::kDone) << reason(id);
  EXPECT_TRUE(was_backed_up);
  EXPECT_FALSE(is_backed_up(1)) << "before the first release there is nothing to lose";
  const auto stages = world.record(id)->rollout.stages;
  const auto stage = std::ranges::find(stages, "backing up", &rollout::Stage::name);
  ASSERT_NE(stage, stages.end());
  EXPECT_EQ(stage->detail, "db: 12 tables, 1.2 MB, restored in 0.8 s");
}

TEST_F(Gate, WithoutAProvenBackupItDoesNotRun) {
  world.backups.faults = [](std::string_view) {
    return Error{ErrorKind::kExhausted, "the backup's disk is full", {}};
  };
  const auto id = deploy_irreversible();
  settle();
  EXPECT_EQ(outcome(id), Outcome::kAborted);
  EXPECT_EQ(reason(id), "no proven backup before its release jobs: the backup's disk is full");
  EXPECT_FALSE(world.runtime.job_runs.contains("shop-preprod-rjob-2-1"));
  EXPECT_EQ(arms("preprod"), (Arms{{1, 1'000'000}}));
}

TEST_F(Gate, ADatabaseThatIsAwayIsAskedAgainForTwoHours) {
  deploy_irreversible();
  world.backups.database_is_away = true;
  until("preprod", Phase::kBackingUp);
  const auto id = world.state("preprod")->active->id;
  world.run_for(hours(1));
  EXPECT_EQ(world.state("preprod")->active->phase, Phase::kBackingUp);
  settle(hours(2));
  EXPECT_EQ(reason(id), "there was no proven backup within 2h");
  world.backups.database_is_away = false;
  const auto again = deploy_irreversible();
  settle();
  EXPECT_EQ(outcome(again), Outcome::kDone) << reason(again);
}

TEST_F(Gate, WhoWantsNoBackupSaysWhyAndThatIsAudited) {
  world.backups.database_is_away = true;
  const auto id = deploy_irreversible("the table is empty");
  settle();
  EXPECT_EQ(outcome(id), Outcome::kDone) << reason(id);
  EXPECT_FALSE(is_backed_up(2));
  const auto events = world.store.events({.kind_prefix = "rollout.", .limit = 100});
  EXPECT_TRUE(std::ranges::any_of(*events, [](const auto& event) {
    return event.body.find("the table is empty") != std::string::npos;
  }));
}

}  // namespace
}  // namespace ecluse::sim
