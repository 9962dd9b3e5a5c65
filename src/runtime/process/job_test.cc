#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>
#include <future>

#include "base/locked.h"
#include "runtime/process/runtime_test_home.h"
#include "runtime/process/shim/process_id.h"
#include "runtime/process/shim_link.h"

namespace ecluse::runtime {
namespace {

using testing::eventually;

class JobTest : public testing::RuntimeTest {
 protected:
  Result<int> run(const ports::Launch& l, Duration timeout = std::chrono::seconds(30)) {
    return runtime_->run_job(l, timeout, [this](std::string_view line) {
      lines_.change([&](auto& lines) { lines.emplace_back(line); });
    });
  }
  std::vector<std::string> lines() {
    return lines_.with([](const auto& lines) { return lines; });
  }
  Locked<std::vector<std::string>> lines_;
};

TEST_F(JobTest, AFinishedJobIsNotRunAgain) {
  auto l = launch("job", "echo ran; exit 4");
  EXPECT_EQ(run(l).value(), 4);
  reopen();
  EXPECT_EQ(run(l).value(), 4) << "what was recorded";
  EXPECT_EQ(log_of("job"), "ran\n") << "it ran once";
}

TEST_F(JobTest, AJobThatSurvivedARestartOfOursIsWaitedFor) {
  // Its runtime must go while it runs, so that one is a process of its own that we kill.
  auto l = launch("job", "echo begin; read x < /tmp-gate/go; echo end; exit 5");
  l.mounts = {{(home_ / "gate").string(), "/tmp-gate", true}};
  std::filesystem::create_directories(home_ / "gate");
  ASSERT_EQ(::mkfifo((home_ / "gate/go").c_str(), 0666), 0);
  ::chmod((home_ / "gate/go").c_str(), 0666);
  runtime_.reset();
  const pid_t control_plane = ::fork();
  if (control_plane == 0) {
    auto first = ProcessRuntime::open(home_ / "data", home_ / "run", options_);
    if (first) (void)(*first)->run_job(l, std::chrono::seconds(60), [](std::string_view) {});
    ::_exit(0);
  }
  ASSERT_TRUE(eventually([&] {
    const auto report = read_report(home_ / "data/instances/job");
    return report && report->pid > 0;
  }));
  ASSERT_EQ(::kill(control_plane, SIGKILL), 0);
  ::waitpid(control_plane, nullptr, 0);
  reopen();
  auto waiting = std::async(std::launch::async, [&] { return run(l); });
  EXPECT_TRUE(eventually([&] { return lines() == std::vector<std::string>{"begin"}; }));
  const os::Fd gate(::open((home_ / "gate/go").c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(os::write_all(gate.get(), "now\n"));
  const auto code = waiting.get();
  ASSERT_TRUE(code) << code.error().message;
  EXPECT_EQ(*code, 5);
  EXPECT_EQ(lines(), (std::vector<std::string>{"begin", "end"}));
}

TEST_F(JobTest, ATimeoutEndsIt) {
  auto l = launch("job", "echo begin; sleep 1000");
  l.stop_grace = std::chrono::milliseconds(200);
  const auto code = run(l, std::chrono::milliseconds(300));
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().kind, ErrorKind::kTimeout);
}

TEST_F(JobTest, TheSameJobNeverRunsTwiceAtOnce) {
  auto l = launch("job", "echo begin; sleep 1000");
  l.stop_grace = std::chrono::milliseconds(200);
  auto first = std::async(std::launch::async, [&] { return run(l); });
  ASSERT_TRUE(eventually([&] { return !lines().empty(); }));
  const auto second = run(l);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
  EXPECT_TRUE(runtime_->stop("job"));
  EXPECT_FALSE(first.get()) << "a stopped job has no result";
}

TEST_F(JobTest, WhatAJobWritesIsLaidOverTheReleaseOfInstances) {
  const auto artifact = home_ / "artifact";
  std::filesystem::create_directories(artifact / "static");
  {
    std::ofstream(artifact / "static/brought.txt") << "from the artifact\n";
  }
  auto l =
      launch("job",
             "echo collected > /app/static/collected.txt && echo more >> /app/static/brought.txt "
             "&& echo top > /app/top.txt");
  l.artifact_path = artifact;
  l.layer_path = home_ / "layers/1";
  l.layer_writable = true;
  EXPECT_EQ(run(l).value(), 0) << log_of("job");
  EXPECT_FALSE(std::filesystem::exists(artifact / "static/collected.txt"))
      << "artifacts never change";

  auto app = launch("one", "cat /app/static/*.txt /app/top.txt; touch /app/no; exec sleep 1000");
  app.artifact_path = l.artifact_path;
  app.layer_path = l.layer_path;
  ASSERT_TRUE(runtime_->start(app));
  EXPECT_TRUE(logs_contain("one", "Read-only file system")) << log_of("one");
  EXPECT_TRUE(logs_contain("one", "from the artifact\nmore\ncollected\ntop\n")) << log_of("one");
}

}  // namespace
}  // namespace ecluse::runtime
