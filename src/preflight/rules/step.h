#pragma once
// What a step of a pipeline does: does it test, publish, deploy, look at the site?

#include <string>
#include <string_view>

#include "preflight/facts/workflow.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

bool is_test_command(const ShellCommand& command);
bool is_test_job(const WorkflowJob& job);
/// Pushes an image.
bool is_publish_step(const WorkflowStep& step);
/// Brings a release to where people use it.
bool is_deploy_step(const WorkflowStep& step);
bool is_deploy_job(const WorkflowJob& job);
/// "ops/deploy.sh" of `bash ops/deploy.sh`, "ship" of `python3 -m ship`: a program of the
/// repository's own; "" where another one runs.
std::string_view own_program(const ShellCommand& command);
/// A request that asks somebody else to deploy.
bool is_hook(const ShellCommand& command);
/// What stands behind `||` only says that nothing matters: `true`, `echo ...`.
bool forgives(const ShellCommand& command);
/// A variable of the pipeline that holds a secret stands in it: `${{ secrets.KEY }}`, and where the
/// system gives secrets as variables, `$SECRET_KEY`.
bool holds_secret(const Workflow& flow, std::string_view line);
/// The command's lines with their `${{ ... }}`, which were blanked in the parsed script.
std::string raw_line(const WorkflowStep& step, const ShellCommand& command);

/// Every step that runs a script, with its job.
template <typename Check>
Findings for_steps(const Subject& subject, Check check) {
  Findings found;
  for (const auto& flow : subject.repository.workflows)
    for (const auto& job : flow.jobs)
      for (const auto& step : job.steps) check(flow, job, step, found);
  return found;
}

template <typename Check>
Findings for_commands(const Subject& subject, Check check) {
  return for_steps(subject, [&](const Workflow& flow, const WorkflowJob&, const WorkflowStep& step,
                                Findings& found) {
    for (const auto& each : step.script.commands)
      if (auto made = check(step, each)) {
        made->path = flow.path;
        found.push_back(std::move(*made));
      }
  });
}

/// The step's own script and the one that it runs on another machine, with their text.
template <typename Visit>
void for_scripts(const WorkflowStep& step, Visit visit) {
  visit(step.script, std::string_view(step.run));
  visit(step.remote, step.input("script"));
}

}  // namespace ecluse::preflight
