// What an app sees and may do.
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "runtime/process/privileges.h"
#include "runtime/process/runtime_test_home.h"

namespace ecluse::runtime {
namespace {

class SurroundingsTest : public testing::RuntimeTest {
 protected:
  /// The output of a job with `command` in an instance's surroundings.
  std::string output(ports::Launch l) {
    std::string text;
    const auto code = runtime_->run_job(l, std::chrono::seconds(30), [&](std::string_view line) {
      text += std::string(line) + "\n";
    });
    return code ? text : "error: " + code.error().message;
  }
  std::string output(const std::string& command) {
    return output(launch(fmt::format("job-{}", ++jobs_), command));
  }
  int jobs_ = 0;
};

TEST_F(SurroundingsTest, AnAppIsNobodyImportant) {
  const auto text =
      output("id -u; id -g; id -G; umask; grep -E 'Cap(Eff|Prm|Bnd)|NoNewPrivs' /proc/self/status");
  EXPECT_EQ(text.find("\n0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("0027"), std::string::npos) << text;
  EXPECT_NE(text.find("CapEff:\t0000000000000000"), std::string::npos) << text;
  EXPECT_NE(text.find("CapBnd:\t0000000000000000"), std::string::npos) << text;
  EXPECT_NE(text.find("NoNewPrivs:\t1"), std::string::npos) << text;
}

TEST_F(SurroundingsTest, EachEnvironmentHasAUserAndKeepsIt) {
  const auto first = output("id -u");
  auto other = launch("other", "id -u");
  other.environment = "prod";
  const auto second = output(other);
  EXPECT_NE(first, second);
  EXPECT_GE(std::stoul(first), 1'983'000'000U);
  reopen();
  EXPECT_EQ(output("id -u"), first);
  auto named = launch("named", "id -u; id -un");
  named.user = "db";
  EXPECT_NE(output(named).find("user-db"), std::string::npos);
}

TEST_F(SurroundingsTest, AServiceCanBeSparedByTheOomKiller) {
  auto l = launch("job", "cat /proc/self/oom_score_adj");
  l.oom_score_adj = -900;
  const auto privileges = probe_privileges();
  const auto spared = std::find_if(privileges.begin(), privileges.end(), [](const auto& p) {
    return p.name == "protection from the OOM killer";
  });
  ASSERT_NE(spared, privileges.end());
  const auto text = output(l);
  EXPECT_TRUE(text.ends_with(spared->ok ? "-900\n" : "0\n")) << text;
  EXPECT_EQ(text.find("not protected from the OOM killer") != std::string::npos, !spared->ok);
}

TEST_F(SurroundingsTest, InheritsNothingOpenAndReadsNothing) {
  EXPECT_EQ(output("ls /proc/self/fd | tr '\\n' ' '"), "0 1 2 3 \n")
      << "3 is ls reading the folder";
  EXPECT_EQ(output("cat; readlink /proc/self/fd/0"), "/dev/null\n");
}

TEST_F(SurroundingsTest, TheReleaseIsReadOnlyAndTmpIsPrivate) {
  std::filesystem::create_directories(home_ / "artifact");
  {
    std::ofstream(home_ / "artifact/app.txt") << "the app\n";
  }
  auto l =
      launch("job", "cat app.txt; touch x 2>&1; touch /tmp/mine && ls /tmp; touch /etc/x 2>&1");
  l.workdir = "/app";
  l.artifact_path = home_ / "artifact";
  const auto text = output(l);
  EXPECT_TRUE(text.starts_with("the app\n")) << text;
  EXPECT_NE(text.find("'x': Read-only file system"), std::string::npos) << text;
  EXPECT_NE(text.find("\nmine\n"), std::string::npos) << text;
  EXPECT_FALSE(std::filesystem::exists("/tmp/mine"));
}

TEST_F(SurroundingsTest, TmpHasABound) {
  auto l = launch("job", "head -c 400M /dev/zero > /tmp/big; echo $?; stat -c %s /tmp/big");
  l.limits.memory_bytes_max = 64 << 20;
  const auto text = output(l);
  EXPECT_NE(text.find("No space left on device"), std::string::npos) << text;
}

TEST_F(SurroundingsTest, TheDataFolderAndOtherProcessesAreInvisible) {
  auto stranger = launch("one", "exec sleep 4711");
  stranger.environment = "prod";
  ASSERT_TRUE(runtime_->start(stranger));
  const auto text = output(fmt::format("ls {} 2>&1; ls -d /proc/[0-9]*; cat /proc/1/cmdline 2>&1",
                                       (home_ / "data").string()));
  EXPECT_NE(text.find("No such file"), std::string::npos) << text;
  EXPECT_EQ(text.find(fmt::format("/proc/{}\n", status("one").pid)), std::string::npos);
  EXPECT_EQ(text.find("/proc/1\n"), std::string::npos) << text;
}

TEST_F(SurroundingsTest, VolumesAreKeptAndMayBeReadOnly) {
  std::filesystem::create_directories(home_ / "artifact");
  std::filesystem::create_directories(home_ / "fixed");
  {
    std::ofstream(home_ / "fixed/f") << "fixed\n";
  }
  auto l = launch("job-a", "echo kept > /app/media/f; cat /data/fixed/f; touch /data/fixed/g 2>&1");
  l.artifact_path = home_ / "artifact";
  l.mounts = {{home_ / "volume", "/app/media", true}, {home_ / "fixed", "/data/fixed", false}};
  const auto text = output(l);
  EXPECT_TRUE(text.starts_with("fixed\n")) << text;
  EXPECT_NE(text.find("Read-only file system"), std::string::npos) << text;
  l.id = "job-b";
  l.argv = {"/bin/cat", "/app/media/f"};
  EXPECT_EQ(output(l), "kept\n");
}

TEST_F(SurroundingsTest, SecretsAreInTheEnvironmentAndNowhereElse) {
  auto l = launch("one", "echo \"len ${#TOKEN}\"; exec sleep 1000");
  l.env["TOKEN"] = "s3cr3t-value";
  ASSERT_TRUE(runtime_->start(l));
  EXPECT_TRUE(logs_contain("one", "len 12"));
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream in(entry.path() / "cmdline");
    const std::string line((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(line.find("s3cr3t-value"), std::string::npos) << entry.path();
  }
  struct stat info{};
  ASSERT_EQ(::stat((home_ / "data/instances/one/env").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_EQ(info.st_uid, 0U);
  for (const char* name : {"launch.json", "shim.conf", "status.json"}) {
    std::ifstream in(home_ / "data/instances/one" / name);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(text.find("s3cr3t-value"), std::string::npos) << name;
  }
}

TEST_F(SurroundingsTest, MemoryLimitsAreEnforcedAndUsageIsRead) {
  auto l = launch("one",
                  "exec python3 -c \"import time; b=bytearray(40<<20); print('up', flush=True); "
                  "time.sleep(1000)\"");
  l.limits.memory_bytes_max = 100 << 20;
  l.limits.pids_max = 7;
  ASSERT_TRUE(runtime_->start(l));
  ASSERT_TRUE(logs_contain("one", "up"));
  const auto usage = runtime_->usage("one");
  ASSERT_TRUE(usage) << usage.error().message;
  EXPECT_GT(usage->memory_bytes, 40U << 20);
  EXPECT_LT(usage->memory_bytes, 100U << 20);
  EXPECT_EQ(usage->memory_bytes_max, 100U << 20);
  EXPECT_GT(usage->cpu_s, 0.0);
  EXPECT_EQ(usage->pids, 1U);

  auto greedy = launch("greedy", "exec python3 -c \"b=bytearray(400<<20); print('too much')\"");
  greedy.limits.memory_bytes_max = 64 << 20;
  const auto code = runtime_->run_job(greedy, std::chrono::seconds(30), [](std::string_view) {});
  ASSERT_TRUE(code) << code.error().message;
  EXPECT_EQ(*code, 137) << log_of("greedy");
}

TEST_F(SurroundingsTest, ProcessLimitsAreEnforced) {
  auto l = launch("job", "for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; echo not reached");
  l.limits.pids_max = 5;
  EXPECT_NE(output(l).find("fork"), std::string::npos) << log_of("job");
}

}  // namespace
}  // namespace ecluse::runtime
