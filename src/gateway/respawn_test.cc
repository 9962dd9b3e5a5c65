// A worker process that dies at its start, again and again.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <sstream>

#include "gateway/respawn_pace.h"
#include "gateway/testing.h"

namespace ecluse::gateway {
namespace {

using namespace testing;
using std::chrono::milliseconds;

TEST(Respawn, IsAtOnceAfterOneDeathAndThenPausesGrow) {
  EXPECT_EQ(pause_after(0, false), milliseconds(0));
  EXPECT_EQ(pause_after(1, false), milliseconds(0));
  for (int deaths = 2; deaths <= 6; ++deaths) {
    EXPECT_GT(pause_after(deaths, false), pause_after(deaths - 1, false)) << deaths;
  }
  for (const int deaths : {7, 8, 100'000}) {
    EXPECT_EQ(pause_after(deaths, false), milliseconds(2000)) << deaths;
  }
}

TEST(Respawn, OfOneThatCouldServeNeverPausesLong) {
  for (int deaths = 0; deaths <= 100; ++deaths) {
    EXPECT_LE(pause_after(deaths, true), milliseconds(400)) << deaths;
  }
}

std::string text_of(const std::filesystem::path& file) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

TEST(Respawn, TheFifthQuickDeathInARowIsSaidInTheLogAndTheGatewayServesOnceItLives) {
  const TemporaryFolder folder;
  const auto log = folder.path() / "log";
  const auto program = folder.path() / "logged";
  std::ofstream(program) << "#!/bin/sh\nexec " ECLUSE_GATEWAY_PROGRAM " \"$@\" 2>" << log.string()
                         << "\n";
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  RecordingApp app;
  GatewayProcess gateway({"--listen", "127.0.0.1:0", "--to", app.address(), "--workers", "1"},
                         program.string());
  int deaths = 0;
  int killed = 0;
  ASSERT_TRUE(eventually([&] {
    const int worker = gateway.newest_worker_pid();
    if (text_of(log).find("5 deaths in a row") != std::string::npos) return true;
    if (worker == 0 || worker == killed || ::kill(worker, SIGKILL) != 0) return false;
    killed = worker;
    ++deaths;
    return false;
  }));
  EXPECT_GE(deaths, 5);
  EXPECT_EQ(status_of(answer_to(gateway.port(),
                                "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")),
            200);
}

}  // namespace
}  // namespace ecluse::gateway
