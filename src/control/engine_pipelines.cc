// The engine's second machine: from a commit to a release that a rollout can take.
#include <algorithm>

#include "control/audit.h"
#include "control/engine.h"
#include "control/examination.h"
#include "model/spec_json.h"
#include "rollout/admission.h"

namespace ecluse::control {

void Engine::apply_pipeline(const RolloutId& id, const pipeline::Event& event,
                            const SealFacts& facts, ports::Batch batch,
                            std::vector<std::function<void()>> after) {
  const auto found = pipelines_.find(id);
  if (found == pipelines_.end()) return;  // its rollout is over
  auto step = pipeline::step(found->second, event, ports_.clock.now());
  if (step.next == found->second && step.effects.empty()) return;
  const auto stages_before = found->second.stages.size();
  found->second = step.next;
  if (step.next.phase == pipeline::Phase::kDone) return pipeline_done(std::move(step.next), facts);
  if (step.next.phase == pipeline::Phase::kFailed) return pipeline_failed(step.next);
  batch.put[pipeline_store_key(id)] = pipeline::to_text(step.next);
  if (step.next.stages.size() != stages_before)
    batch.events.push_back(event_of(to_string(environment_of(id)), "pipeline.stage", "ecluse",
                                    {{"rollout", id}, {"stage", step.next.stages.back().name}},
                                    ports_.clock.now(), ports_.clock.wall()));
  for (const auto& effect : step.effects)
    after.push_back([this, id, effect] { start_pipeline_effect(id, effect); });
  if (told_) after.push_back(told_);
  journal_.append(std::move(batch), std::move(after));
}

void Engine::start_pipeline_effect(const RolloutId& id, const pipeline::Effect& effect) {
  const auto found = pipelines_.find(id);
  if (found == pipelines_.end()) return;
  const auto state = std::make_shared<const pipeline::State>(found->second);
  executor_.run({"pipeline " + id, Urgency::kLong},
                [this, state, effect, ports = &ports_, settings = settings_]() -> Completion {
                  auto answer = perform(*ports, *settings, *state, effect);
                  return [this, id = state->id, answer = std::move(answer)] {
                    apply_pipeline(id, answer.ack, answer.facts, {}, {});
                  };
                });
}

void Engine::pipeline_done(pipeline::State state, const SealFacts& facts) {
  auto& where = room(environment_of(state.id));
  const auto* r = where.state.active && where.state.active->id == state.id   ? &*where.state.active
                  : where.state.queued && where.state.queued->id == state.id ? &*where.state.queued
                                                                             : nullptr;
  if (r == nullptr) return;
  rollout::Prepared prepared{.id = state.id, .plan = rollout::plan_of(state.draft.spec)};
  const bool is_new = r->kind != rollout::Kind::kRollback;
  const bool may_be_known = r->kind == rollout::Kind::kDeploy || r->kind == rollout::Kind::kPromote;
  for (const auto& [number, known] : where.releases)
    if (may_be_known && known->artifact.digest == state.draft.artifact.digest &&
        known->spec == state.draft.spec && known->secret_versions == state.draft.secret_versions &&
        rollout::has_run_jobs(where.state, number))
      prepared.same_as = number;
  const auto stable = where.releases.find(where.state.stable);
  const auto* current =
      where.state.stopped || stable == where.releases.end() ? nullptr : &stable->second->spec;
  const auto admission = rollout::admit(
      state.draft.spec, current, {facts.machine.memory_bytes_available, facts.connections_max});
  prepared.plan.warm = admission.warm;
  prepared.note = admission.note;
  prepared.plan.examine = is_to_be_examined(where, r->kind, state.draft);
  const auto id = state.id;
  const auto created_by = r->actor;
  auto record = std::make_shared<Record>(records_[id]);
  record->stages = state.stages;
  Change change;
  change.also = [&](const rollout::State& next, ports::Batch& batch) {
    batch.erase.push_back(pipeline_store_key(id));
    pipelines_.erase(id);
    records_[id] = *record;
    batch.put[rollout_store_key(id)] = to_text(*record);
    if (!is_new || prepared.same_as != 0) return;
    auto release = state.draft;
    release.key.number = next.next_release - 1;
    release.created_at = ports_.clock.wall();
    release.created_by = created_by;
    if (may_be_known && !release.spec.release.empty()) release.layer = release.key.number;
    batch.put[release_store_key(release.key)] = model::to_text(release);
    const auto number = release.key.number;
    where.releases[number] = std::make_shared<const model::Release>(std::move(release));
  };
  apply(where, prepared, std::move(change));
}

bool Engine::is_to_be_examined(const Room& room, rollout::Kind kind, model::Release& draft) const {
  const bool first_place = kind == rollout::Kind::kDeploy && draft.spec.promote_from.empty();
  if (!ports_.examine || !first_place) return false;
  std::optional<std::string> seen;
  bool is_barred_itself = false;
  for (const auto& [number, known] : room.releases) {
    if (known->artifact.digest != draft.artifact.digest || known->spec != draft.spec) continue;
    if (known->secret_versions == draft.secret_versions && is_barred(known->audit))
      is_barred_itself = true;  // whatever was seen of one that is like it
    if (auto passed = passed_examination(known->audit)) seen = std::move(passed);
  }
  const bool is_due = is_barred_itself || !seen;
  draft.audit =
      is_due ? with_examination_due(draft.audit) : with_examination(draft.audit, *seen, true);
  return is_due;
}

Engine::Change Engine::kept_with(Room& room, const rollout::Ack& ack) {
  Change change;
  const auto& pending = room.state.pending;
  const auto effect = std::ranges::find(pending, ack.effect, &rollout::Effect::id);
  if (ack.examination.empty() || effect == pending.end()) return change;
  const auto found = room.releases.find(effect->release);
  if (found == room.releases.end()) return change;
  auto release = std::make_shared<model::Release>(*found->second);
  const bool passed = !ack.error;
  release->audit = with_examination(release->audit, ack.examination, passed);
  change.also = [&room, release](const rollout::State&, ports::Batch& batch) {
    batch.put[release_store_key(release->key)] = model::to_text(*release);
    room.releases[release->key.number] = release;
  };
  return change;
}

void Engine::pipeline_failed(const pipeline::State& state) {
  apply(room(environment_of(state.id)), rollout::PrepareFailed{state.id, state.reason});
}

}  // namespace ecluse::control
