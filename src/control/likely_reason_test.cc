#include "control/likely_reason.h"

#include <gtest/gtest.h>

namespace ecluse::control {
namespace {

StartFacts facts() {
  return {.process = "web", .command = "gunicorn site.wsgi", .port = 8000};
}
ports::ProbeResult refused() {
  return {"ready GET /", false, 0, "connection refused", {}};
}

TEST(LikelyReason, NamesTheWrongPortAndWhatToWrite) {
  auto f = facts();
  f.port_is_given = true;
  f.listeners = {{"0.0.0.0", 9000}};
  f.probes = {refused()};
  EXPECT_EQ(likely_reason(f).reason, "it listens on port 9000, ecluse expected 8000");
  EXPECT_EQ(likely_reason(f).next_step, "set `port: 9000` for process web in ecluse.yml");
}

TEST(LikelyReason, SeesThatItListensOnLoopbackOnly) {
  auto f = facts();
  f.listeners = {{"127.0.0.1", 8000}};
  f.probes = {refused()};
  EXPECT_EQ(likely_reason(f).reason,
            "it listens on 127.0.0.1 only, where nobody else can reach it");
}

TEST(LikelyReason, SeesThatNothingListens) {
  auto f = facts();
  f.probes = {refused()};
  EXPECT_EQ(likely_reason(f).reason, "it runs but listens on no port; ecluse expected 8000");
}

std::string reason_of_line(const std::string& line) {
  auto f = facts();
  f.exit_code = 1;
  f.last_lines = {line, "    at the end"};
  return likely_reason(f).reason;
}

TEST(LikelyReason, NamesTheServerThatItCannotReach) {
  EXPECT_EQ(reason_of_line("MongooseServerSelectionError: connect ECONNREFUSED ::1:27017"),
            "it cannot reach its MongoDB at ::1:27017");
  EXPECT_EQ(reason_of_line("connection to server at \"localhost\" (::1), port 5432 failed: "
                           "Connection refused"),
            "it cannot reach its PostgreSQL at port 5432");
  EXPECT_EQ(reason_of_line("Error 111 connecting to localhost:6379. Connection refused."),
            "it cannot reach its Redis at localhost:6379");
  EXPECT_EQ(reason_of_line("Error: connect ECONNREFUSED 127.0.0.1:9"),
            "it cannot reach 127.0.0.1:9, where nothing listens");
}

TEST(LikelyReason, NamesTheHostThatNobodyIsCalled) {
  EXPECT_EQ(reason_of_line("could not translate host name \"shopdb\" to address"),
            "it looks for a host called shopdb, which nothing here is called");
  EXPECT_EQ(reason_of_line("Error: getaddrinfo ENOTFOUND mongo"),
            "it looks for a host called mongo, which nothing here is called");
}

TEST(LikelyReason, SaysThatNoMongodbIsGiven) {
  EXPECT_EQ(reason_of_line("MongooseError: The `uri` parameter to `openUri()` must be a string, "
                           "got \"undefined\"."),
            "it is given no address of a MongoDB");
}

TEST(LikelyReason, NamesTheErrorThatEndedIt) {
  EXPECT_EQ(reason_of_line("ValueError: no tea left"), "it ended with ValueError: no tea left");
  EXPECT_EQ(reason_of_line("[ERROR] Reason: Worker failed to boot."), "it exited with code 1");
}

TEST(LikelyReason, SurvivesALineOfAMegabyte) {
  EXPECT_EQ(reason_of_line("Error: connect ECONNREFUSED 127.0.0.1:9 " + std::string(1 << 20, 'x')),
            "it cannot reach 127.0.0.1:9, where nothing listens");
}

TEST(LikelyReason, NamesTheCommandThatDoesNotExist) {
  auto f = facts();
  f.exit_code = 127;
  f.last_lines = {"/bin/sh: 1: exec: gunicorn: not found"};
  EXPECT_EQ(likely_reason(f).reason, "the command `gunicorn` does not exist in the release");
}

TEST(LikelyReason, NamesTheMissingModule) {
  auto f = facts();
  f.exit_code = 1;
  f.last_lines = {"Traceback (most recent call last):",
                  "ModuleNotFoundError: No module named 'whitenoise'"};
  EXPECT_EQ(likely_reason(f).reason, "the module `whitenoise` is missing from the release");
  f.last_lines = {"Error: Cannot find module 'express'"};
  EXPECT_EQ(likely_reason(f).reason, "the module `express` is missing from the release");
}

TEST(LikelyReason, NamesTheMissingVariable) {
  auto f = facts();
  f.exit_code = 1;
  f.last_lines = {"  File \"/app/settings.py\", line 3, in <module>", "KeyError: 'STRIPE_KEY'"};
  EXPECT_EQ(likely_reason(f).reason, "the environment variable STRIPE_KEY is missing");
  f.last_lines = {"ImproperlyConfigured: The SECRET_KEY setting must not be empty."};
  EXPECT_EQ(likely_reason(f).reason, "the environment variable SECRET_KEY is missing");
}

TEST(LikelyReason, NamesTheSettingThatPydanticDemands) {
  auto f = facts();
  f.exit_code = 1;
  f.last_lines = {"pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings",
                  "secret_key", "  Field required [type=missing, input_value={}, input_type=dict]",
                  "    For further information visit https://errors.example"};
  EXPECT_EQ(likely_reason(f).reason, "its settings demand secret_key, which no variable gives");
  EXPECT_NE(likely_reason(f).next_step.find("ecluse secret set SECRET_KEY"), std::string::npos);
}

TEST(LikelyReason, ProposesAVolumeForWhatItMayNotWriteTo) {
  auto f = facts();
  f.exit_code = 3;
  for (const auto& [line, folder] :
       {std::pair{"OSError: [Errno 30] Read-only file system: '/app/uploads'", "/app/uploads"},
        std::pair{"OSError: [Errno 30] Read-only file system: '/app/logs/site.log'", "/app/logs"},
        std::pair{"OSError: [Errno 30] Read-only file system: '/app/.cache'", "/app/.cache"},
        std::pair{"Error: EROFS: read-only file system, mkdir '/app/tmp'", "/app/tmp"}}) {
    f.last_lines = {line, "Worker failed to boot."};
    EXPECT_NE(likely_reason(f).next_step.find("volumes: {files: " + std::string(folder) + "}"),
              std::string::npos)
        << likely_reason(f).next_step;
  }
}

TEST(LikelyReason, NeverProposesAVolumeThatHidesTheRelease) {
  auto f = facts();
  f.exit_code = 3;
  f.last_lines = {"OSError: [Errno 30] Read-only file system: '/app/site.log'"};
  EXPECT_NE(likely_reason(f).reason.find("/app/site.log"), std::string::npos);
  EXPECT_EQ(likely_reason(f).next_step.find("{files:"), std::string::npos);
  EXPECT_NE(likely_reason(f).next_step.find("a folder of its own"), std::string::npos);
}

TEST(LikelyReason, SeesThatTheHostIsRefused) {
  auto f = facts();
  f.host = "lettings.localhost";
  f.listeners = {{"0.0.0.0", 8000}};
  f.probes = {{"ready GET /", false, 400, "<h1>Bad Request (400)</h1>", {}}};
  EXPECT_EQ(likely_reason(f).reason,
            "it refuses the Host header `lettings.localhost` (400 Bad Request)");
}

TEST(LikelyReason, TellsHowLongItLivedBeforeItExited) {
  auto f = facts();
  f.exit_code = 3;
  f.lived = std::chrono::seconds(3);
  f.last_lines = {"cannot connect", ""};
  EXPECT_EQ(likely_reason(f).reason, "it exited with code 3 after 3s");
  EXPECT_EQ(likely_reason(f).next_step, "its last line was: cannot connect");
}

TEST(LikelyReason, SuspectsTheMemoryLimitWhenItWasKilled) {
  auto f = facts();
  f.exit_code = 137;
  EXPECT_NE(likely_reason(f).reason.find("memory limit"), std::string::npos);
}

TEST(LikelyReason, PointsAtAnotherProbePathOn404) {
  auto f = facts();
  f.listeners = {{"0.0.0.0", 8000}};
  f.probes = {{"ready GET /", false, 404, "not found", {}}};
  EXPECT_EQ(likely_reason(f).reason, "ready GET / answers 404");
}

}  // namespace
}  // namespace ecluse::control
