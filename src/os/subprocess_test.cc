#include "os/subprocess.h"

#include <gtest/gtest.h>

namespace ecluse::os {
namespace {

using namespace std::chrono_literals;

TEST(Subprocess, ReturnsBothOutputsAndTheExitCode) {
  const auto finished = run({.argv = {"/bin/sh", "-c", "echo out; echo err >&2; exit 3"}});
  ASSERT_TRUE(finished) << finished.error().message;
  EXPECT_EQ(finished->exit_code, 3);
  EXPECT_EQ(finished->out, "out\n");
  EXPECT_EQ(finished->err, "err\n");
}

TEST(Subprocess, GivesItsInputAndTakesMoreOutputThanAPipeHolds) {
  const std::string input(1 << 20, 'x');
  const auto finished = run({.argv = {"/bin/cat"}, .input = input, .output_bytes_max = 2 << 20});
  ASSERT_TRUE(finished) << finished.error().message;
  EXPECT_EQ(finished->out, input);
}

TEST(Subprocess, KeepsAtMostTheNamedBoundOfOutput) {
  const auto finished =
      run({.argv = {"/bin/sh", "-c", "yes | head -c 100000"}, .output_bytes_max = 1000});
  ASSERT_TRUE(finished) << finished.error().message;
  EXPECT_EQ(finished->out.size(), 1000U);
}

TEST(Subprocess, KillsAProgramThatOutlivesItsDeadline) {
  const auto finished =
      run({.argv = {"/bin/sh", "-c", "sleep 1000 & sleep 1000"}, .timeout = 50ms});
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().kind, ErrorKind::kTimeout);
}

TEST(Subprocess, SaysThatAProgramDoesNotExist) {
  const auto output = output_of({.argv = {"no-such-program-here"}});
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().kind, ErrorKind::kNotFound);
  EXPECT_NE(output.error().message.find("no-such-program-here"), std::string::npos);
}

TEST(Subprocess, PassesOnlyTheNamedEnvironmentWhenItIsClean) {
  const auto output = output_of({.argv = {"/usr/bin/env"}, .env = {{"A", "1"}}, .clean_env = true});
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(*output, "A=1\n");
}

TEST(Subprocess, TakesArgumentsAsTheyAreWithoutAShell) {
  const auto output = output_of({.argv = {"/bin/echo", "$(id)", "`id`", "a'b\"c"}});
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(*output, "$(id) `id` a'b\"c\n");
}

}  // namespace
}  // namespace ecluse::os
