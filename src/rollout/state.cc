#include "rollout/state.h"

#include <algorithm>

#include "rollout/names.h"

namespace ecluse::rollout {

std::string_view to_string(Kind kind) {
  return kKindNames[static_cast<std::size_t>(kind)];
}
std::string_view to_string(Phase phase) {
  return kPhaseNames[static_cast<std::size_t>(phase)];
}
std::string_view to_string(Outcome outcome) {
  return kOutcomeNames[static_cast<std::size_t>(outcome)];
}
std::string_view to_string(EffectKind kind) {
  return kEffectNames[static_cast<std::size_t>(kind)];
}

std::string_view to_string(Ruling ruling) {
  return kRulingNames[static_cast<std::size_t>(ruling)];
}

std::string instance_id(const State& state, const Instance& instance) {
  return model::instance_id({{state.key, instance.release}, instance.process, instance.index});
}

const Instance* find_instance(const State& state, std::string_view id) {
  const auto found = std::ranges::find_if(
      state.instances, [&](const Instance& i) { return instance_id(state, i) == id; });
  return found == state.instances.end() ? nullptr : &*found;
}

bool has_run_jobs(const State& state, model::ReleaseNumber release) {
  return std::ranges::find(state.jobs_done, release) != state.jobs_done.end();
}

namespace {
bool keeps_the_old_release(Phase phase) {
  return phase == Phase::kCommitting || phase == Phase::kStoppingWorkers ||
         phase == Phase::kStartingWorkers || phase == Phase::kDraining || phase == Phase::kBaking;
}
}  // namespace

std::vector<model::ReleaseNumber> warm_releases(const State& state) {
  if (!state.active || !keeps_the_old_release(state.active->phase)) return {};
  const auto& rollout = *state.active;
  if (rollout.from == 0 || rollout.from == rollout.release || !rollout.from_plan.has_traffic())
    return {};
  for (const auto& process : rollout.from_plan.processes) {
    const auto running = std::ranges::count_if(state.instances, [&](const Instance& i) {
      return i.release == rollout.from && i.process == process.name && i.traffic &&
             i.standing == InstanceStanding::kRunning;
    });
    if (process.traffic && running < process.instances) return {};
  }
  return {rollout.from};
}

}  // namespace ecluse::rollout
