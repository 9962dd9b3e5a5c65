#include "preflight/facts/circle.h"

#include <gtest/gtest.h>

#include <string>

namespace ecluse::preflight {
namespace {

std::vector<Workflow> read(const std::string& text) {
  const auto yaml = read_yaml(text);
  EXPECT_EQ(yaml.problem, "");
  return yaml.documents.empty() ? std::vector<Workflow>{}
                                : read_workflows(".circleci/config.yml", yaml.documents.front());
}

TEST(Circle, HasAPipelineForEachOfItsWorkflows) {
  const auto flows = read(R"(
jobs:
  test: {steps: [{run: pytest}]}
  deploy: {environment: {MODE: fast}, steps: [{run: make deploy}]}
workflows:
  version: 2
  commit: {jobs: [test]}
  release:
    jobs:
      - test: {name: again}
      - hold: {type: approval, requires: [again]}
      - deploy: {requires: [hold]}
)");
  ASSERT_EQ(flows.size(), 2U);
  EXPECT_EQ(flows[0].jobs.size(), 1U);
  ASSERT_EQ(flows[1].jobs.size(), 3U);
  EXPECT_EQ(flows[1].jobs[0].name, "again");
  EXPECT_TRUE(flows[1].find("hold")->steps.empty());
  EXPECT_EQ(flows[1].find("deploy")->needs, std::vector<std::string>{"hold"});
  EXPECT_EQ(flows[1].find("deploy")->env.size(), 1U);
}

TEST(Circle, FollowsCommandsOfItsOwnAndConditions) {
  const auto flows = read(R"(
commands:
  prepare: {steps: [checkout, {run: {command: pip install -r requirements.txt}}]}
jobs:
  test:
    steps:
      - prepare
      - when: {condition: true, steps: [{run: pytest}]}
)");
  ASSERT_EQ(flows.size(), 1U);
  ASSERT_EQ(flows[0].jobs.size(), 1U);
  const auto& steps = flows[0].jobs[0].steps;
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].uses, "checkout");
  EXPECT_EQ(steps[1].script.commands.at(0).name(), "pip");
  EXPECT_EQ(steps[2].run, "pytest");
}

TEST(Circle, EndsWithCommandsThatUseThemselves) {
  std::string calls;
  for (int i = 0; i < 100; ++i) calls += "again, {when: {steps: [again]}}, ";
  const auto flows = read("commands:\n  again: {steps: [" + calls +
                          "again]}\njobs: {build: {steps: [again, {run: make}]}}\n");
  ASSERT_EQ(flows.size(), 1U);
  EXPECT_LE(flows[0].jobs[0].steps.size(), 2'000U);
}

TEST(Circle, FillsInParametersBeforeAShellSeesThemAndKeepsHereDocuments) {
  const auto flows = read(R"(
jobs:
  build:
    steps:
      - run: |
          ./build << parameters.level >>
          cat <<END >> log
          docker compose up
          END
)");
  const auto& commands = flows.at(0).jobs.at(0).steps.at(0).script.commands;
  ASSERT_GE(commands.size(), 2U);
  EXPECT_EQ(commands[0].words.size(), 2U);  // of one word, as long as the parameter
  EXPECT_EQ(commands[1].words[0], "cat");
}

TEST(Circle, RunsBashWithErrexitUnlessAShellIsChosen) {
  const auto flows = read(R"(
jobs:
  a: {steps: [{run: x}, {run: {shell: /bin/bash, command: x}}]}
)");
  const auto& steps = flows.at(0).jobs.at(0).steps;
  EXPECT_TRUE(steps.at(0).errexit && steps[0].pipefail);
  EXPECT_FALSE(steps.at(1).errexit || steps[1].pipefail);
}

}  // namespace
}  // namespace ecluse::preflight
