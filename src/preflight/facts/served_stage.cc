#include "preflight/facts/served_stage.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace ecluse::preflight {

namespace {

/// The stage of that name, if it may be one for production.
const Stage* serving(const Dockerfile& file, std::string_view name) {
  const auto* stage = file.find_stage(name);
  return stage && !is_development_stage(*stage) ? stage : nullptr;
}

/// What a compose file's service, or a pipeline, builds of the file.
const Stage* target_of(const Repository& repository, const Dockerfile& file) {
  for (const auto& compose : repository.composes)
    for (const auto& service : compose.services)
      if (built_from(compose, service) == file.path)
        if (const auto* stage = serving(file, service.target)) return stage;
  for (const auto& flow : repository.workflows)
    for (const auto& job : flow.jobs)
      for (const auto& step : job.steps)
        if (const auto* stage = serving(file, step.input("target"))) return stage;
  return nullptr;
}

const Stage* named_for_production(const Dockerfile& file) {
  static constexpr std::array kNames = {"production", "prod", "release", "runtime", "final"};
  for (const auto* name : kNames)
    if (const auto* stage = file.find_stage(name)) return stage;
  return nullptr;
}

}  // namespace

bool is_development_stage(const Stage& stage) {
  return stage.name == "tests" || stage.name == "lint" || is_development_path(stage.name);
}

void choose_served_stages(Repository& repository) {
  for (auto& file : repository.dockerfiles) {
    if (file.stages.size() < 2 || !is_development_stage(file.stages.back())) continue;
    const auto* stage = target_of(repository, file);
    if (!stage) stage = named_for_production(file);
    if (stage) file.served = static_cast<std::size_t>(stage - file.stages.data());
  }
}

}  // namespace ecluse::preflight
