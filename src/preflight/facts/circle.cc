#include "preflight/facts/circle.h"

#include <algorithm>

namespace ecluse::preflight {

namespace {

constexpr int kCommandDepthMax = 8;       ///< commands that use commands
constexpr std::size_t kStepsMax = 1'000;  ///< of one job, those of its commands among them

const Yaml kNothing;

const Yaml& or_nothing(const Yaml* node) {
  return node ? *node : kNothing;
}

/// The runner's own shell is `bash -eo pipefail`.
void choose_shell(std::string_view shell, WorkflowStep& step) {
  const bool own = shell.empty();
  step.errexit = own || shell.find(" -e") != std::string_view::npos;
  step.pipefail = own || shell.find("pipefail") != std::string_view::npos;
}

class JobReader {
 public:
  JobReader(const Yaml& root, WorkflowJob& job) : commands_(root.find("commands")), job_(job) {}

  void read(const Yaml& node) {
    shell_ = std::string(node.scalar("shell"));
    job_.env = entries_of(node.find("environment"));
    steps(or_nothing(node.find("steps")), 0);
  }

  void steps(const Yaml& list, int depth) {
    for (const auto& each : list.items) {
      if (++seen_ > kStepsMax) return;
      if (each.kind == YamlKind::kScalar) named(each.text, kNothing, each.place, depth);
      for (const auto& entry : each.entries) named(entry.key, entry.value, entry.place, depth);
    }
  }

 private:
  /// `run`, a condition around steps, a command of the file, or one of an orb.
  void named(const std::string& name, const Yaml& value, Place place, int depth) {
    if (name == "run") return run(value, place);
    if (name == "when" || name == "unless")
      return depth < kCommandDepthMax ? steps(or_nothing(value.find("steps")), depth + 1) : void();
    const auto* command = commands_ ? commands_->find(name) : nullptr;
    if (command && depth < kCommandDepthMax)
      return steps(or_nothing(command->find("steps")), depth + 1);
    WorkflowStep step;
    step.uses = name;
    step.with = value.entries;
    step.place = place;
    job_.steps.push_back(std::move(step));
  }

  void run(const Yaml& value, Place place) {
    WorkflowStep step;
    step.place = place;
    step.name = std::string(value.scalar("name"));
    step.env = entries_of(value.find("environment"));
    choose_shell(value.find("shell") ? value.scalar("shell") : std::string_view(shell_), step);
    if (value.kind == YamlKind::kScalar)
      read_run(value, step);
    else if (const auto* command = value.find("command"))
      read_run(*command, step);
    job_.steps.push_back(std::move(step));
  }

  const Yaml* commands_;
  WorkflowJob& job_;
  std::string shell_;
  std::size_t seen_ = 0;
};

/// A job as one workflow runs it: `name`, or `name: {requires: [...], filters: ...}`.
WorkflowJob job_of(const Yaml& root, const std::string& key, const Yaml& use, Place place) {
  WorkflowJob job;
  job.name = use.find("name") ? std::string(use.scalar("name")) : key;
  job.place = place;
  for (const auto* each : or_nothing(use.find("requires")).as_list())
    job.needs.push_back(each->text);
  job.filters = or_nothing(use.find("filters"));
  const auto* jobs = root.find("jobs");
  const auto* own = jobs ? jobs->find(key) : nullptr;
  JobReader reader(root, job);
  reader.steps(or_nothing(use.find("pre-steps")), 0);
  if (own) {
    const auto entry = std::ranges::find(jobs->entries, key, &YamlEntry::key);
    job.place = entry->place;
    reader.read(*own);
  } else if (use.scalar("type") != "approval") {
    WorkflowStep step;  // the orb's
    step.uses = key;
    step.with = use.entries;
    step.place = place;
    job.steps.push_back(std::move(step));
  }
  reader.steps(or_nothing(use.find("post-steps")), 0);
  return job;
}

Workflow flow_at(std::string_view path) {
  Workflow flow;
  flow.path = std::string(path);
  flow.system = WorkflowSystem::kCircle;
  return flow;
}

Workflow flow_of(std::string_view path, const Yaml& root, const Yaml& workflow) {
  auto flow = flow_at(path);
  for (const auto& each : or_nothing(workflow.find("jobs")).items) {
    if (each.kind == YamlKind::kScalar)
      flow.jobs.push_back(job_of(root, each.text, kNothing, each.place));
    for (const auto& entry : each.entries)
      flow.jobs.push_back(job_of(root, entry.key, entry.value, entry.place));
  }
  return flow;
}

}  // namespace

std::vector<Workflow> read_circle(std::string_view path, const Yaml& root) {
  std::vector<Workflow> flows;
  for (const auto& entry : or_nothing(root.find("workflows")).entries)
    if (entry.value.kind == YamlKind::kMap) flows.push_back(flow_of(path, root, entry.value));
  if (!flows.empty()) return flows;
  auto flow = flow_at(path);
  for (const auto& entry : or_nothing(root.find("jobs")).entries)
    flow.jobs.push_back(job_of(root, entry.key, kNothing, entry.place));
  flows.push_back(std::move(flow));
  return flows;
}

}  // namespace ecluse::preflight
