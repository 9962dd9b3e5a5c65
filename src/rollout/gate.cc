// The gate: what waits for a person.

#include <fmt/format.h>

#include "rollout/machine.h"

namespace ecluse::rollout {

void Machine::enter_gate() {
  auto& r = *s_.active;
  if (r.release == s_.stable && !s_.stopped) return end(Outcome::kDone, already_serves(r.release));
  if (r.gate == Gate::kNone || r.approved) return leave_gate();
  enter(Phase::kGated);
}

void Machine::leave_gate() {
  auto& r = *s_.active;
  // Only a deploy or a promotion changes what runs; the rest puts known code in place at once.
  const bool whole_at_once = r.kind != Kind::kDeploy && r.kind != Kind::kPromote;
  if (whole_at_once) r.plan.weights_ppm = {kWholePpm};
  enter(Phase::kEnsuringServices);
}

void Machine::on(const Approved& approved) {
  if (refusal(s_, approved)) return;
  const bool active = s_.active && s_.active->phase == Phase::kGated;
  const bool decides = s_.active && s_.active->id == approved.id && may_be_decided(*s_.active);
  Rollout& r = decides || (active && s_.active->id == approved.id) ? *s_.active : *s_.queued;
  (decides ? r.decided : r.approved) = true;
  if (!r.stages.empty()) r.stages.back().detail = fmt::format("approved by {}", approved.actor);
}

bool may_be_decided(const Rollout& r) {
  return r.phase == Phase::kUndecided && r.plan.inconclusive == model::Inconclusive::kAsk;
}

bool waits_for_approval(const Rollout& r) {
  return r.prepared && r.gate != Gate::kNone && !r.approved;
}

const Rollout* awaiting_approval(const State& state, std::string_view id) {
  const auto is_meant = [&](const Rollout& r) { return id.empty() || r.id == id; };
  const auto& active = state.active;
  const auto& queued = state.queued;
  const bool waits = active && (active->phase == Phase::kGated || may_be_decided(*active));
  if (waits && is_meant(*active)) return &*active;
  if (queued && waits_for_approval(*queued) && is_meant(*queued)) return &*queued;
  return nullptr;
}

}  // namespace ecluse::rollout
