#pragma once
// What every ports::Runtime must do, adapter and twin alike. Test-only: include it in a *_test.cc
// and INSTANTIATE_TEST_SUITE_P(Process, RuntimeConformance, testing::Values(factory));

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/locked.h"
#include "ports/runtime.h"

namespace ecluse::ports {

/// A runtime and the world it needs, made for one test.
class RuntimeBench {
 public:
  virtual ~RuntimeBench() = default;
  virtual Runtime& runtime() = 0;
  /// Something that runs until it is stopped, of app "shop", environment "test".
  virtual Launch forever(const std::string& id) = 0;
  /// Something that prints the line "hello" and exits with `exit_code`.
  virtual Launch job(const std::string& id, int exit_code) = 0;
  /// Something that cannot be exec'd.
  virtual Launch nonsense(const std::string& id) = 0;
  /// Ends the app of `id` as SIGKILL does.
  virtual void crash(const std::string& id) = 0;
  /// Lets time pass until `condition` holds; false when it did not within a generous limit.
  virtual bool eventually(const std::function<bool()>& condition) = 0;
};
using RuntimeFactory = std::function<std::unique_ptr<RuntimeBench>()>;

class RuntimeConformance : public testing::TestWithParam<RuntimeFactory> {
 protected:
  void SetUp() override {
    bench_ = GetParam()();
    if (bench_ == nullptr) GTEST_SKIP() << "this runtime cannot run here: it needs root";
    runtime().subscribe([this](const InstanceEvent& event) {
      events_.change([&](auto& events) { events.push_back(event); });
    });
  }
  void TearDown() override {
    if (bench_ == nullptr) return;
    const auto left = runtime().list();
    ASSERT_TRUE(left);
    for (const auto& one : *left) EXPECT_TRUE(runtime().stop(one.id));
    bench_.reset();
  }
  Runtime& runtime() { return bench_->runtime(); }
  bool happened(const std::string& id, InstanceChange change) {
    return events_.with([&](const auto& events) {
      for (const auto& event : events) {
        if (event.id == id && event.change == change) return true;
      }
      return false;
    });
  }
  bool eventually(const std::function<bool()>& condition) { return bench_->eventually(condition); }

  Locked<std::vector<InstanceEvent>> events_;
  std::unique_ptr<RuntimeBench> bench_;
};

TEST_P(RuntimeConformance, KnowsNothingAtFirst) {
  EXPECT_TRUE(runtime().list().value().empty());
  EXPECT_EQ(runtime().status("one").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(runtime().usage("one").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(runtime().listeners("one").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(runtime().logs("one", {}).error().kind, ErrorKind::kNotFound);
}

TEST_P(RuntimeConformance, AStartedInstanceIsListedAsItWasLaunched) {
  const auto started = runtime().start(bench_->forever("one"));
  ASSERT_TRUE(started) << started.error().message;
  const auto all = runtime().list();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ(all->front().id, "one");
  EXPECT_EQ(all->front().app, "shop");
  EXPECT_EQ(all->front().environment, "test");
  EXPECT_EQ(all->front().state, InstanceState::kRunning);
  EXPECT_EQ(all->front().starts, 1U);
  EXPECT_EQ(all->front().last_exit, std::nullopt);
  EXPECT_FALSE(all->front().address.empty());
}

TEST_P(RuntimeConformance, StartingTheSameAgainChangesNothing) {
  const auto first = runtime().start(bench_->forever("one"));
  const auto again = runtime().start(bench_->forever("one"));
  ASSERT_TRUE(first);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*first, *again);
}

TEST_P(RuntimeConformance, AnotherLaunchUnderTheSameIdIsAConflict) {
  ASSERT_TRUE(runtime().start(bench_->forever("one")));
  auto other = bench_->forever("one");
  other.env["CHANGED"] = "yes";
  const auto refused = runtime().start(other);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
}

TEST_P(RuntimeConformance, WhatCannotBeStartedLeavesNothing) {
  EXPECT_FALSE(runtime().start(bench_->nonsense("one")));
  EXPECT_TRUE(runtime().list().value().empty());
}

TEST_P(RuntimeConformance, StoppingForgetsAndIsIdempotent) {
  ASSERT_TRUE(runtime().start(bench_->forever("one")));
  const auto stopped = runtime().stop("one");
  ASSERT_TRUE(stopped) << stopped.error().message;
  EXPECT_TRUE(runtime().list().value().empty());
  EXPECT_TRUE(runtime().stop("one"));
  EXPECT_TRUE(runtime().stop("never-was"));
  EXPECT_TRUE(eventually([&] { return happened("one", InstanceChange::kStopped); }));
}

TEST_P(RuntimeConformance, AnIdCanBeUsedAgainAfterItsStop) {
  ASSERT_TRUE(runtime().start(bench_->forever("one")));
  ASSERT_TRUE(runtime().stop("one"));
  auto other = bench_->forever("one");
  other.env["CHANGED"] = "yes";
  const auto started = runtime().start(other);
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_EQ(started->starts, 1U);
}

TEST_P(RuntimeConformance, ACrashIsToldAndTheAppIsStartedAgain) {
  ASSERT_TRUE(runtime().start(bench_->forever("one")));
  bench_->crash("one");
  EXPECT_TRUE(eventually([&] { return happened("one", InstanceChange::kExited); }));
  EXPECT_TRUE(eventually([&] {
    const auto now = runtime().status("one");
    return now && now->starts == 2 && now->state == InstanceState::kRunning;
  }));
  EXPECT_EQ(runtime().status("one")->last_exit, 137);
}

TEST_P(RuntimeConformance, CrashingOverAndOverIsACrashLoop) {
  ASSERT_TRUE(runtime().start(bench_->forever("one")));
  EXPECT_TRUE(eventually([&] {
    const auto now = runtime().status("one");
    if (now && now->state == InstanceState::kRunning && now->pid != 0) bench_->crash("one");
    return now && now->state == InstanceState::kCrashLooping;
  }));
  EXPECT_TRUE(eventually([&] { return happened("one", InstanceChange::kCrashLooping); }));
  EXPECT_TRUE(runtime().stop("one"));
}

TEST_P(RuntimeConformance, AJobReturnsItsExitCodeAndItsLines) {
  for (const int code : {0, 3}) {
    std::vector<std::string> lines;
    const auto id = "job-" + std::to_string(code);
    const auto result = runtime().run_job(bench_->job(id, code), std::chrono::seconds(30),
                                          [&](std::string_view line) { lines.emplace_back(line); });
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(*result, code);
    EXPECT_EQ(lines, std::vector<std::string>{"hello"});
  }
}

TEST_P(RuntimeConformance, JobsAreNotListedAsInstances) {
  const auto result =
      runtime().run_job(bench_->job("job", 0), std::chrono::seconds(30), [](std::string_view) {});
  ASSERT_TRUE(result);
  EXPECT_TRUE(runtime().list().value().empty());
}

TEST_P(RuntimeConformance, IdsAreNamesNotPaths) {
  for (const char* id : {"", "../one", "One", "a/b", "a b"}) {
    const auto refused = runtime().start(bench_->forever(id));
    ASSERT_FALSE(refused) << id;
    EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid) << id;
  }
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RuntimeConformance);

}  // namespace ecluse::ports
