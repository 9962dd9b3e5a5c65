// What the shim does when things die: apps, shims, the control plane.
#include <signal.h>

#include <fstream>
#include <set>

#include "runtime/process/runtime_test_home.h"
#include "runtime/process/shim/process_id.h"
#include "runtime/process/shim_link.h"

namespace ecluse::runtime {
namespace {

using ports::InstanceState;
using testing::eventually;

class SupervisionTest : public testing::RuntimeTest {
 protected:
  ShimReport report(const std::string& id) {
    const auto found = read_report(home_ / "data/instances" / id);
    EXPECT_TRUE(found) << found.error().message;
    return found ? *found : ShimReport{};
  }
  bool shim_is_alive(const ShimReport& r) { return shim::is_alive(r.shim_pid, r.shim_start); }
  bool running_under_another_shim(const std::string& id, int old_shim) {
    return eventually([&] {
      const auto now = read_report(home_ / "data/instances" / id);
      return now && now->shim_pid != old_shim && now->state == InstanceState::kRunning;
    });
  }
  /// Numbers of "line N" in the whole log, oldest first.
  std::vector<long> line_numbers(const std::string& id) {
    std::vector<long> numbers;
    std::set<std::filesystem::path> files;
    for (const auto& entry :
         std::filesystem::directory_iterator(home_ / "data/instances" / id / "logs")) {
      files.insert(entry.path());
    }
    for (const auto& file : files) {
      std::ifstream in(file);
      for (std::string line; std::getline(in, line);) {
        if (line.starts_with("line ")) numbers.push_back(std::stol(line.substr(5)));
      }
    }
    return numbers;
  }
};

TEST_F(SupervisionTest, AKilledShimTakesNothingWithIt) {
  ASSERT_TRUE(runtime_->start(
      launch("one", "i=0; while true; do i=$((i+1)); echo line $i; sleep 0.01; done")));
  const ShimReport before = report("one");
  ASSERT_EQ(::kill(before.shim_pid, SIGKILL), 0);
  EXPECT_TRUE(running_under_another_shim("one", before.shim_pid));
  const ShimReport after = report("one");
  EXPECT_EQ(after.pid, before.pid) << "the app went on";
  EXPECT_EQ(after.starts, 1U);
  const auto seen = line_numbers("one").size();
  EXPECT_TRUE(eventually([&] { return line_numbers("one").size() > seen + 20; }));
  const auto numbers = line_numbers("one");
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    ASSERT_EQ(numbers[i], static_cast<long>(i) + 1) << "a line was lost or doubled";
  }
}

TEST_F(SupervisionTest, TheExitOfAnAdoptedAppIsUnknownAndCountsAsACrash) {
  ASSERT_TRUE(runtime_->start(launch("one", "exec sleep 1000")));
  const ShimReport before = report("one");
  ASSERT_EQ(::kill(before.shim_pid, SIGKILL), 0);
  ASSERT_TRUE(running_under_another_shim("one", before.shim_pid));
  ASSERT_EQ(::kill(before.pid, SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return report("one").starts == 2; }));
  EXPECT_EQ(status("one").last_exit, -1);
}

TEST_F(SupervisionTest, AShimAndAppKilledTogetherAreBothReplaced) {
  ASSERT_TRUE(runtime_->start(server("one")));
  const ShimReport before = report("one");
  ::kill(before.shim_pid, SIGKILL);
  ::kill(before.pid, SIGKILL);
  EXPECT_TRUE(eventually(
      [&] { return testing::ask(status("one").address, 8000).starts_with("HTTP/1.0 200"); }));
  EXPECT_EQ(status("one").starts, 2U);
}

TEST_F(SupervisionTest, InstancesOutliveTheControlPlaneAndAreFoundAgain) {
  ASSERT_TRUE(runtime_->start(server("one")));
  const auto before = status("one");
  reopen();
  EXPECT_EQ(status("one"), before);
  EXPECT_TRUE(
      eventually([&] { return testing::ask(before.address, 8000).starts_with("HTTP/1.0 200"); }));
}

TEST_F(SupervisionTest, WhatDiedWhileNobodyWatchedIsStartedAgain) {
  ASSERT_TRUE(runtime_->start(server("one")));
  const ShimReport before = report("one");
  runtime_.reset();
  ::kill(before.shim_pid, SIGKILL);
  ::kill(before.pid, SIGKILL);
  ASSERT_TRUE(eventually([&] { return !shim::is_alive(before.pid, before.pid_start); }));
  reopen();
  EXPECT_TRUE(eventually(
      [&] { return testing::ask(status("one").address, 8000).starts_with("HTTP/1.0 200"); }));
}

TEST_F(SupervisionTest, AShimThatDiedWhileNobodyWatchedIsReplacedAndItsAppAdopted) {
  ASSERT_TRUE(runtime_->start(launch("one", "exec sleep 1000")));
  const ShimReport before = report("one");
  runtime_.reset();
  ::kill(before.shim_pid, SIGKILL);
  ASSERT_TRUE(eventually([&] { return !shim_is_alive(before); }));
  reopen();
  EXPECT_TRUE(running_under_another_shim("one", before.shim_pid));
  EXPECT_EQ(report("one").pid, before.pid);
}

TEST_F(SupervisionTest, RestartsComeWithGrowingPausesAndEndInAVerdict) {
  options_.crash_exits = 4;
  reopen();
  ASSERT_TRUE(runtime_->start(launch("one", "echo try; sleep 0.05; exit 7")));
  EXPECT_TRUE(eventually([&] { return status("one").state == InstanceState::kCrashLooping; }));
  EXPECT_EQ(status("one").last_exit, 7);
  EXPECT_GE(status("one").starts, 4U);
  const auto before = status("one").starts;
  EXPECT_TRUE(eventually([&] { return status("one").starts > before; })) << "it is still tried";
  EXPECT_EQ(status("one").state, InstanceState::kCrashLooping) << "and still visible";
}

TEST_F(SupervisionTest, SigtermReachesTheWholeGroup) {
  ASSERT_TRUE(runtime_->start(launch(
      "one",
      "(trap 'echo child done; exit 0' TERM; echo child ready; while true; do sleep 0.01; done) & "
      "trap 'echo main done; wait; exit 0' TERM; echo main ready; "
      "while true; do sleep 0.01; done")));
  ASSERT_TRUE(logs_contain("one", "child ready"));
  ASSERT_TRUE(logs_contain("one", "main ready"));
  ASSERT_TRUE(runtime_->stop("one"));
  EXPECT_NE(log_of("one").find("child done"), std::string::npos) << log_of("one");
  EXPECT_NE(log_of("one").find("main done"), std::string::npos);
}

TEST_F(SupervisionTest, AStopScopeOfMainSparesTheChildrenTheSignal) {
  auto l = launch(
      "one",
      "(trap 'echo child signalled' INT; echo child ready; while true; do sleep 0.01; done) & "
      "trap 'echo main done; kill -9 $!; exit 0' INT; echo main ready; "
      "while true; do sleep 0.01; done");
  l.stop_scope = ports::StopScope::kMain;
  l.stop_signal = ports::StopSignal::kInt;
  ASSERT_TRUE(runtime_->start(l));
  ASSERT_TRUE(logs_contain("one", "child ready"));
  ASSERT_TRUE(logs_contain("one", "main ready"));
  ASSERT_TRUE(runtime_->stop("one"));
  EXPECT_NE(log_of("one").find("main done"), std::string::npos) << log_of("one");
  EXPECT_EQ(log_of("one").find("child signalled"), std::string::npos);
}

TEST_F(SupervisionTest, WhoIgnoresSigtermIsKilledAfterTheGrace) {
  auto l = launch("one", "trap '' TERM; echo ready; while true; do sleep 0.01; done");
  l.stop_grace = std::chrono::milliseconds(300);
  ASSERT_TRUE(runtime_->start(l));
  ASSERT_TRUE(logs_contain("one", "ready"));
  const int pid = status("one").pid;
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(runtime_->stop("one"));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, l.stop_grace);
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST_F(SupervisionTest, OrphanedGrandchildrenDieWithTheInstance) {
  ASSERT_TRUE(runtime_->start(launch(
      "one", "(setsid sh -c 'setsid sleep 4242 & echo orphan $!; exit 0') ; exec sleep 1000")));
  ASSERT_TRUE(logs_contain("one", "orphan "));
  const std::string log = log_of("one");
  const int orphan = std::atoi(log.c_str() + log.find("orphan ") + 7);
  ASSERT_EQ(::kill(orphan, 0), 0);
  ASSERT_TRUE(runtime_->stop("one"));
  EXPECT_TRUE(eventually([&] { return shim::stat_of(orphan).start_ticks == 0; }));
}

TEST_F(SupervisionTest, RotationLosesNoLineUnderLoad) {
  options_.log_bytes_max = 256 << 10;
  options_.log_files_max = 1000;
  reopen();
  auto l = launch("job", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); echo line $i; done");
  std::vector<std::string> lines;
  const auto code = runtime_->run_job(l, std::chrono::seconds(60),
                                      [&](std::string_view line) { lines.emplace_back(line); });
  ASSERT_TRUE(code) << code.error().message;
  EXPECT_EQ(lines.size(), 60000U);
  const auto numbers = line_numbers("job");
  ASSERT_EQ(numbers.size(), 60000U);
  for (std::size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(numbers[i], static_cast<long>(i) + 1);
  const auto files =
      std::distance(std::filesystem::directory_iterator(home_ / "data/instances/job/logs"), {});
  EXPECT_GE(files, 2);
}

TEST_F(SupervisionTest, OnlySoManyLogFilesAreKept) {
  options_.log_bytes_max = 16 << 10;
  options_.log_files_max = 3;
  reopen();
  auto l = launch("job", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo line $i; done");
  ASSERT_TRUE(runtime_->run_job(l, std::chrono::seconds(60), [](std::string_view) {}));
  const auto files =
      std::distance(std::filesystem::directory_iterator(home_ / "data/instances/job/logs"), {});
  EXPECT_EQ(files, 3);
  EXPECT_EQ(line_numbers("job").back(), 20000);
}

TEST_F(SupervisionTest, AShimIsSmall) {
  ASSERT_TRUE(runtime_->start(launch("one", "exec sleep 1000")));
  std::ifstream in(fmt::format("/proc/{}/status", report("one").shim_pid));
  long rss_kb = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("VmRSS:")) rss_kb = std::atol(line.c_str() + 6);
  }
  EXPECT_GT(rss_kb, 0);
  EXPECT_LT(rss_kb, 2048);
  RecordProperty("shim_rss_kb", static_cast<int>(rss_kb));
}

TEST_F(SupervisionTest, NothingIsAChildOfTheControlPlane) {
  ASSERT_TRUE(runtime_->start(launch("one", "exec sleep 1000")));
  const ShimReport now = report("one");
  EXPECT_NE(shim::stat_of(now.shim_pid).parent, ::getpid());
  EXPECT_NE(shim::stat_of(now.shim_pid).session, shim::stat_of(::getpid()).session);
  EXPECT_EQ(shim::stat_of(now.pid).parent, now.shim_pid);
}

TEST_F(SupervisionTest, AStopThatWasBegunIsFinishedAfterARestart) {
  ASSERT_TRUE(runtime_->start(launch("one", "exec sleep 1000")));
  const ShimReport before = report("one");
  runtime_.reset();
  {
    std::ofstream mark(home_ / "data/instances/one/stopping");
  }
  reopen();
  EXPECT_TRUE(runtime_->list()->empty());
  EXPECT_FALSE(shim::is_alive(before.pid, before.pid_start));
}

}  // namespace
}  // namespace ecluse::runtime
