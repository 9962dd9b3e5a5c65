#include "preflight/facts/workflow.h"

#include <algorithm>

#include "base/text.h"
#include "preflight/facts/circle.h"
#include "preflight/facts/text_file.h"

namespace ecluse::preflight {

namespace {

void blank(std::string& text, std::size_t begin, std::size_t end) {
  for (auto i = begin; i < end; ++i)
    if (text[i] != '\n') text[i] = 'X';
}

/// The end of `<< parameters.name >>`; `cat <<END >> log` is a here-document.
std::size_t end_of_parameter(std::string_view text, std::size_t at) {
  const auto end = text.find(">>", at);
  if (end == std::string_view::npos) return end;
  const auto name = trim(text.substr(at + 2, end - at - 2));
  const bool parameter = name.starts_with("parameters.") || name.starts_with("pipeline.") ||
                         name.starts_with("matrix.");
  return parameter && name.find('\n') == std::string_view::npos ? end + 2 : std::string_view::npos;
}

/// What is no shell becomes a word of the same length, so that places stay right.
std::string without_expressions(std::string text) {
  for (auto at = text.find("${{"); at != std::string::npos; at = text.find("${{", at)) {
    const auto end = text.find("}}", at);
    if (end == std::string::npos) break;
    blank(text, at, end + 2);
  }
  for (auto at = text.find("<<"); at != std::string::npos; at = text.find("<<", at + 2)) {
    const auto end = end_of_parameter(text, at);
    if (end != std::string::npos) blank(text, at, end);
  }
  return text;
}

Place first_byte_of(const Yaml& scalar) {
  return scalar.block ? Place{scalar.place.line + 1, 1} : scalar.place;
}

void read_remote(WorkflowStep& step) {
  const auto script = std::ranges::find(step.with, "script", &YamlEntry::key);
  if (script == step.with.end() || step.uses.find("ssh-action") == std::string::npos) return;
  step.remote = read_shell(without_expressions(script->value.text), first_byte_of(script->value));
}

WorkflowStep read_step(const Yaml& node, std::string_view default_shell) {
  WorkflowStep step;
  step.place = node.place;
  step.name = std::string(node.scalar("name"));
  step.uses = std::string(node.scalar("uses"));
  step.condition = std::string(node.scalar("if"));
  if (const auto* condition = node.find("if")) step.condition_place = condition->place;
  step.continue_on_error = node.scalar("continue-on-error") == "true";
  step.with = entries_of(node.find("with"));
  step.env = entries_of(node.find("env"));
  read_remote(step);
  const auto shell = node.find("shell") ? node.scalar("shell") : default_shell;
  step.pipefail = shell == "bash";
  step.errexit = shell.empty() || shell == "bash" || shell == "sh" ||
                 shell.find(" -e") != std::string_view::npos;
  if (const auto* run = node.find("run")) read_run(*run, step);
  return step;
}

WorkflowJob read_github_job(const YamlEntry& entry, std::string_view outer_shell) {
  WorkflowJob job;
  job.name = entry.key;
  job.place = entry.place;
  const auto& node = entry.value;
  job.condition = std::string(node.scalar("if"));
  if (const auto* condition = node.find("if")) job.condition_place = condition->place;
  job.continue_on_error = node.scalar("continue-on-error") == "true";
  job.uses = std::string(node.scalar("uses"));
  job.env = entries_of(node.find("env"));
  job.services = node.find("services") != nullptr;
  if (const auto* needs = node.find("needs"))
    for (const auto* each : needs->as_list()) job.needs.push_back(each->text);
  const auto* own_shell = node.at({"defaults", "run", "shell"});
  const auto shell = own_shell ? std::string_view(own_shell->text) : outer_shell;
  if (const auto* steps = node.find("steps"))
    for (const auto& each : steps->items) job.steps.push_back(read_step(each, shell));
  return job;
}

void read_github(const Yaml& root, Workflow& flow) {
  for (const auto* key : {"on", "true"}) {  // a reader of YAML 1.1 takes `on` for true
    if (const auto* triggers = root.find(key)) {
      flow.triggers = *triggers;
      flow.triggers_place = triggers->place;
    }
  }
  flow.env = entries_of(root.find("env"));
  const auto* shell = root.at({"defaults", "run", "shell"});
  if (const auto* jobs = root.find("jobs")) {
    for (const auto& entry : jobs->entries)
      flow.jobs.push_back(read_github_job(entry, shell ? shell->text : ""));
  }
}

constexpr std::string_view kGitlabWords[] = {"stages",        "variables",    "image",   "services",
                                             "cache",         "default",      "include", "workflow",
                                             "before_script", "after_script", "pages"};

WorkflowJob read_gitlab_job(const YamlEntry& entry) {
  WorkflowJob job;
  job.name = entry.key;
  job.place = entry.place;
  if (const auto* needs = entry.value.find("needs"))
    for (const auto* each : needs->as_list()) job.needs.push_back(each->text);
  job.continue_on_error = entry.value.scalar("allow_failure") == "true";
  job.env = entries_of(entry.value.find("variables"));
  job.services = entry.value.find("services") != nullptr;
  for (const auto* key : {"before_script", "script", "after_script"}) {
    const auto* lines = entry.value.find(key);
    if (!lines) continue;
    for (const auto* each : lines->as_list()) {
      WorkflowStep step;
      step.place = each->place;
      read_run(*each, step);
      job.steps.push_back(std::move(step));
    }
  }
  return job;
}

void read_gitlab(const Yaml& root, Workflow& flow) {
  flow.env = entries_of(root.find("variables"));
  for (const auto& entry : root.entries) {
    const bool word = std::ranges::find(kGitlabWords, entry.key) != std::end(kGitlabWords);
    if (!word && entry.value.kind == YamlKind::kMap) flow.jobs.push_back(read_gitlab_job(entry));
  }
}

}  // namespace

std::vector<YamlEntry> entries_of(const Yaml* node) {
  return node ? node->entries : std::vector<YamlEntry>{};
}

void read_run(const Yaml& node, WorkflowStep& step) {
  step.run = node.text;
  step.run_place = first_byte_of(node);
  step.script = read_shell(without_expressions(node.text), step.run_place);
}

std::string_view WorkflowStep::input(std::string_view key) const {
  const auto found = std::ranges::find(with, key, &YamlEntry::key);
  return found == with.end() ? std::string_view{} : std::string_view(found->value.text);
}

const WorkflowJob* Workflow::find(std::string_view job) const {
  const auto found = std::ranges::find(jobs, job, &WorkflowJob::name);
  return found == jobs.end() ? nullptr : &*found;
}

namespace {
bool is_circle_path(std::string_view path) {
  return path == ".circleci/config.yml" || path == ".circleci/config.yaml";
}

bool is_gitlab_path(std::string_view path) {
  return file_name(path) == ".gitlab-ci.yml";
}
}  // namespace

bool is_workflow_path(std::string_view path) {
  const bool yaml = path.ends_with(".yml") || path.ends_with(".yaml");
  return yaml &&
         (folder_of(path) == ".github/workflows" || is_gitlab_path(path) || is_circle_path(path));
}

std::vector<Workflow> read_workflows(std::string_view path, const Yaml& root) {
  if (is_circle_path(path)) return read_circle(path, root);
  Workflow flow;
  flow.path = std::string(path);
  flow.system = is_gitlab_path(path) ? WorkflowSystem::kGitlab : WorkflowSystem::kGithub;
  if (flow.system == WorkflowSystem::kGithub)
    read_github(root, flow);
  else
    read_gitlab(root, flow);
  return {flow};
}

}  // namespace ecluse::preflight
