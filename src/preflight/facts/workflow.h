#pragma once
// Pipelines of other systems: GitHub Actions, GitLab CI and CircleCI, as jobs with steps. Pure.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "preflight/facts/shell.h"
#include "preflight/facts/yaml.h"

namespace ecluse::preflight {

struct WorkflowStep {
  std::string name;
  std::string uses;
  std::string run;
  std::string condition;  ///< of `if`
  bool continue_on_error = false;
  bool errexit = true;    ///< the runner's default shell is `bash -e`
  bool pipefail = false;  ///< only with `shell: bash` written out
  std::vector<YamlEntry> with;
  std::vector<YamlEntry> env;
  ShellScript script;
  ShellScript remote;  ///< of an ssh action: its input `script`, run on another machine
  Place place;
  Place run_place;
  Place condition_place;

  std::string_view input(std::string_view key) const;
};

struct WorkflowJob {
  std::string name;
  std::vector<std::string> needs;
  std::string condition;
  bool continue_on_error = false;
  std::vector<WorkflowStep> steps;
  std::vector<YamlEntry> env;
  bool services = false;  ///< databases and the like run beside it
  std::string uses;       ///< a reusable workflow
  Yaml filters;           ///< of CircleCI: for which branches and tags
  Place place;
  Place condition_place;
};

enum class WorkflowSystem { kGithub, kGitlab, kCircle };

struct Workflow {
  std::string path;
  WorkflowSystem system = WorkflowSystem::kGithub;
  Yaml triggers;  ///< of `on`
  Place triggers_place;
  std::vector<WorkflowJob> jobs;
  std::vector<YamlEntry> env;

  const WorkflowJob* find(std::string_view job) const;
};

bool is_workflow_path(std::string_view path);
/// The pipelines of one file: mostly one, of CircleCI as many as it has workflows.
std::vector<Workflow> read_workflows(std::string_view path, const Yaml& root);

// ---- Shared by the readers of each system -------------------------------------------------------

/// A step's script and where it stands. What the system fills in before a shell sees it (`${{ }}`,
/// CircleCI's `<< >>`) is a word of the same length in the parsed script.
void read_run(const Yaml& node, WorkflowStep& step);
std::vector<YamlEntry> entries_of(const Yaml* node);

}  // namespace ecluse::preflight
