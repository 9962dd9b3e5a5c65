#include "control/requests.h"

#include <gtest/gtest.h>

#include "control/examination.h"

namespace ecluse::control {
namespace {

RolloutOrder order_of(model::EnvironmentSpec spec) {
  RolloutOrder order{.key = {"shop", "prod"}};
  order.pipeline.emplace();
  order.pipeline->draft.spec = std::move(spec);
  return order;
}

TEST(Requests, SayWithTheTicketWhatEcluseYmlAsksForInVain) {
  model::EnvironmentSpec spec;
  spec.cron.push_back({"cleanup", "hour", "clean"});
  spec.services.push_back({.name = "docs", .kind = model::ServiceKind::kMongodb});
  EXPECT_EQ(notes_on(order_of(spec)),
            "note: `services.docs.kind` is not available yet: this kind of service is not started\n"
            "note: `cron` is not available yet: these jobs do not run");
}

TEST(Requests, SayNothingWhenAllOfItIsServed) {
  model::EnvironmentSpec spec;
  spec.services.push_back({.name = "db"});
  EXPECT_EQ(notes_on(order_of(spec)), "");
  EXPECT_EQ(notes_on(RolloutOrder{}), "") << "a rollback reads no ecluse.yml";
}

TEST(Requests, SayWithTheTicketWhatIsDoubtfulInEcluseYml) {
  auto order = order_of({});
  order.warnings = "ecluse.yml:3:1: warning: doubtful";
  EXPECT_EQ(notes_on(order), "ecluse.yml:3:1: warning: doubtful");
}

/// Release 2 of shop/prod at 10 %, for which the admins or dora approve.
Engine::Environment on_trial(rollout::Phase phase, model::Inconclusive inconclusive) {
  Engine::Environment environment;
  environment.state.key = {"shop", "prod"};
  rollout::Rollout r{.id = "shop/prod@2", .phase = phase, .release = 2, .from = 1};
  r.plan.inconclusive = inconclusive;
  environment.state.active = r;
  model::Release release;
  release.spec.approvers = {"admins", "dora"};
  environment.releases[2] = std::make_shared<const model::Release>(release);
  return environment;
}

TEST(Requests, WhoMayNotApproveCannotHurryWhatIsLeftToPeople) {
  using rollout::Phase;
  const Settings settings{.is_member = [](const std::string& person, const std::string& group) {
    return person == "anna" && group == "admins";
  }};
  const auto may = [&](const std::string& who, Phase phase, model::Inconclusive inconclusive) {
    const auto asked =
        hurry(on_trial(phase, inconclusive), {{"shop", "prod"}, who, "it is late"}, settings);
    return asked.has_value() && asked->actor == who;
  };
  EXPECT_FALSE(may("bob (uid 7)", Phase::kUndecided, model::Inconclusive::kHold));
  EXPECT_FALSE(may("bob (uid 7)", Phase::kHolding, model::Inconclusive::kAsk)) << "nor beforehand";
  EXPECT_TRUE(may("bob (uid 7)", Phase::kHolding, model::Inconclusive::kPromote));
  EXPECT_TRUE(may("dora (uid 8)", Phase::kUndecided, model::Inconclusive::kHold));
  EXPECT_TRUE(may("anna (uid 9)", Phase::kHolding, model::Inconclusive::kAsk));
}

TEST(Requests, WhatBakesIsDecidedAndAnybodyMayHurryIt) {
  auto environment = on_trial(rollout::Phase::kBaking, model::Inconclusive::kAsk);
  environment.state.active->committed = true;
  EXPECT_TRUE(hurry(environment, {{"shop", "prod"}, "bob (uid 7)", ""}, {}));
  environment.state.active.reset();
  EXPECT_FALSE(hurry(environment, {{"shop", "prod"}, "bob (uid 7)", ""}, {})) << "nothing runs";
}

/// Release 4 serves. Release 1 did; 2 gave way before its jobs ran, 3 before it was examined.
Engine::Environment with_releases_that_never_served() {
  Engine::Environment environment;
  environment.state.key = {"shop", "prod"};
  environment.state.stable = 4;
  environment.state.jobs_done = {1, 3, 4};
  for (const model::ReleaseNumber number : {1, 2, 3, 4}) {
    model::Release release;
    release.key = {environment.state.key, number};
    if (number == 3) release.audit = with_examination_due("{}");
    environment.releases[number] = std::make_shared<const model::Release>(release);
  }
  return environment;
}

TEST(Requests, ARollbackWithoutANumberGoesToTheNewestThatServed) {
  const auto order = rollback_order(with_releases_that_never_served(), {}, std::nullopt);
  ASSERT_TRUE(order) << order.error().message;
  EXPECT_EQ(order->request.release, 1U);
}

TEST(Requests, ARollbackToWhatNeverServedIsRefusedWithTheReason) {
  const auto environment = with_releases_that_never_served();
  const auto refusal = [&](model::ReleaseNumber number) {
    const auto order = rollback_order(environment, {}, number);
    return order ? std::string() : order.error().message;
  };
  EXPECT_EQ(refusal(2), "release 2 never got traffic: its release jobs have not run");
  EXPECT_EQ(refusal(3), "release 3 never got traffic: no examination let it pass");
  EXPECT_EQ(refusal(1), "");
}

}  // namespace
}  // namespace ecluse::control
