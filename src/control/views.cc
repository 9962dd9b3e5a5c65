#include "control/views.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/evidence.h"
#include "control/requests.h"
#include "retention/retention.h"

namespace ecluse::control {

namespace {
Outcome outcome_of(rollout::Outcome outcome) {
  switch (outcome) {
    case rollout::Outcome::kRunning:
      return Outcome::kRunning;
    case rollout::Outcome::kDone:
      return Outcome::kDone;
    case rollout::Outcome::kAborted:
      return Outcome::kAborted;
    case rollout::Outcome::kFailed:
      return Outcome::kFailed;
    case rollout::Outcome::kSuperseded:
      return Outcome::kSuperseded;
  }
  return Outcome::kFailed;
}

template <typename Stage>
StageView stage_view(const Stage& stage, bool skipped, TimePoint now) {
  StageView view{.name = stage.name, .detail = stage.detail};
  view.took = stage.ended.value_or(now) - stage.began;
  view.state = skipped        ? StageState::kSkipped
               : stage.failed ? StageState::kFailed
               : stage.ended  ? StageState::kDone
                              : StageState::kRunning;
  return view;
}

std::string readiness_of(const rollout::State& state, const rollout::Rollout& r) {
  int ready = 0;
  int all = 0;
  for (const auto& instance : state.instances) {
    if (instance.release != r.release || !instance.traffic) continue;
    all += 1;
    ready += instance.ready ? 1 : 0;
  }
  return fmt::format("{} of {} instances ready", ready, all);
}

std::string waiting_for(const rollout::Rollout& r) {
  const auto environment = r.id.substr(0, r.id.rfind('@'));
  if (r.phase == rollout::Phase::kGated || rollout::waits_for_approval(r))
    return fmt::format("{}: ecluse approve {}", r.waits_for, r.id);
  if (r.phase == rollout::Phase::kUndecided)
    return fmt::format("a decision ({}): ecluse {}, or ecluse abort", r.stages.back().detail,
                       rollout::may_be_decided(r) ? "approve " + r.id : "promote --now");
  if (r.phase == rollout::Phase::kQueued)
    return fmt::format("the rollout before it in {}", environment);
  if (r.paused) return "ecluse resume";
  return {};
}
}  // namespace

PlatformMeasures measures_of(const Engine& engine) {
  PlatformMeasures measures;
  for (const auto* environment : engine.environments()) {
    const auto& state = environment->state;
    for (const auto& instance : state.instances) {
      auto& counted = measures.instances[{state.key, instance.release}];
      counted.all += 1;
      counted.ready += instance.ready ? 1 : 0;
    }
    // Whoever asks for a rate wants to have seen the zero.
    auto& ended = measures.rollouts[state.key];
    using rollout::Outcome;
    for (const auto outcome :
         {Outcome::kDone, Outcome::kAborted, Outcome::kFailed, Outcome::kSuperseded})
      ended[std::string(to_string(outcome))] = 0;
  }
  for (const auto& [key, endings] : engine.endings())
    for (const auto& [outcome, count] : endings)
      measures.rollouts[key][std::string(to_string(outcome))] = count;
  return measures;
}

RolloutView view_of(const model::EnvironmentKey& key, const Record& record, TimePoint now) {
  const auto& r = record.rollout;
  RolloutView view{.id = r.id,
                   .environment = key,
                   .kind = std::string(to_string(r.kind)),
                   .release = r.release,
                   .from_release = r.from,
                   .commit = r.commit,
                   .actor = r.actor,
                   .phase = std::string(to_string(r.phase)),
                   .paused = r.paused,
                   .waiting_for = waiting_for(r),
                   .outcome = outcome_of(r.outcome),
                   .serving = r.committed,
                   .reason = r.reason,
                   .started_at = record.began,
                   .ended_at = record.ended};
  for (const auto& stage : record.stages)
    view.stages.push_back(stage_view(stage, stage.skipped, now));
  for (const auto& stage : r.stages) {
    const bool is_the_pipeline = stage.name == to_string(rollout::Phase::kPreparing);
    if (is_the_pipeline && !record.stages.empty()) continue;
    view.stages.push_back(stage_view(stage, false, now));
  }
  if (r.phase >= rollout::Phase::kShifting && r.phase <= rollout::Phase::kVerifying &&
      r.step < r.plan.weights_ppm.size())
    view.weight_ppm = r.plan.weights_ppm[r.step];
  if (r.committed && !r.plan.weights_ppm.empty()) view.weight_ppm = rollout::kWholePpm;
  if (r.outcome == rollout::Outcome::kAborted) view.weight_ppm = 0;
  if (r.outcome == rollout::Outcome::kAborted) view.serving = false;
  if (!r.evidence.empty())
    if (auto evidence = evidence_from_text(r.evidence)) view.evidence = std::move(*evidence);
  return view;
}

EnvironmentView view_of(const Engine::Environment& environment, const Engine& engine,
                        TimePoint now) {
  const auto& state = environment.state;
  EnvironmentView view{.key = state.key, .stable = state.stable};
  const auto stable = environment.releases.find(state.stable);
  if (stable != environment.releases.end()) {
    const auto& release = *stable->second;
    view.commit = release.commit.sha;
    view.digest = release.artifact.digest;
    for (const auto& host : release.spec.hosts) view.hosts.push_back(host.host);
    view.port = release.spec.port;
  }
  view.warm = rollout::warm_releases(state);
  view.mode = state.maintenance ? "maintenance" : state.stopped ? "stopped" : "serving";
  if (state.active) {
    if (const auto record = engine.live_record(state.active->id)) {
      view.rollout = view_of(state.key, *record, now);
      if (state.active->phase == rollout::Phase::kProbing && !view.rollout->stages.empty())
        view.rollout->stages.back().detail = readiness_of(state, *state.active);
    }
  }
  if (state.queued) view.queued.push_back(state.queued->id);
  for (const auto& instance : state.instances) {
    InstanceView shown{
        .release = instance.release, .process = instance.process, .ready = instance.ready};
    shown.status.id = instance_id(state, instance);
    shown.status.app = state.key.app;
    shown.status.environment = state.key.environment;
    shown.status.address = instance.address;
    shown.status.port = instance.port;
    shown.status.state = instance.standing == rollout::InstanceStanding::kStarting
                             ? ports::InstanceState::kStarting
                         : instance.standing == rollout::InstanceStanding::kStopping
                             ? ports::InstanceState::kStopping
                             : ports::InstanceState::kRunning;
    shown.status.last_exit = instance.last_exit;
    view.instances.push_back(std::move(shown));
  }
  return view;
}

std::vector<ReleaseView> releases_of(const Engine::Environment& environment) {
  const auto& state = environment.state;
  const auto warm = rollout::warm_releases(state);
  const auto kept =
      retention::retained(environment.state.stable, retention::numbers_of(environment.releases));
  std::vector<ReleaseView> out;
  for (const auto& [number, release] : environment.releases) {
    ReleaseView view{.release = *release, .stable = number == state.stable};
    view.warm = std::ranges::find(warm, number) != warm.end();
    view.retained = kept.contains(number);
    out.push_back(std::move(view));
  }
  std::ranges::reverse(out);
  return out;
}

std::set<std::string> pinned_artifacts(const Engine& engine) {
  std::set<std::string> pinned;
  for (const auto* environment : engine.environments()) {
    const auto& state = environment->state;
    auto kept = retention::retained(state.stable, retention::numbers_of(environment->releases));
    for (const auto& instance : state.instances) kept.insert(instance.release);
    for (const auto* slot : {&state.active, &state.queued}) {
      if (!*slot) continue;
      kept.insert((*slot)->release);
      kept.insert((*slot)->from);
      if (const auto* pipeline = engine.pipeline((*slot)->id))
        pinned.insert(pipeline->draft.artifact.digest);
    }
    for (const auto number : kept)
      if (const auto release = environment->releases.find(number);
          release != environment->releases.end())
        pinned.insert(release->second->artifact.digest);
  }
  pinned.erase("");
  return pinned;
}

std::set<std::uint32_t> pinned_versions(const Engine& engine, const model::EnvironmentKey& key,
                                        const std::string& secret) {
  std::set<std::uint32_t> pinned;
  const auto pin = [&](const model::Release& release) {
    const auto version = release.secret_versions.find(secret);
    if (version != release.secret_versions.end()) pinned.insert(version->second);
  };
  const auto* environment = engine.find(key);
  if (environment == nullptr) return pinned;
  for (const auto& [number, release] : environment->releases) pin(*release);
  for (const auto* slot : {&environment->state.active, &environment->state.queued})
    if (*slot)
      if (const auto* pipeline = engine.pipeline((*slot)->id)) pin(pipeline->draft);
  return pinned;
}

}  // namespace ecluse::control
