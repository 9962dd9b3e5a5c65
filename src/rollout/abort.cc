// The way back to the old release.

#include "rollout/machine.h"
#include "rollout/phase.h"

namespace ecluse::rollout {

void Machine::abort(const std::string& reason, const std::string& suspect) {
  auto& r = *s_.active;
  if (r.reason.empty()) r.reason = reason;
  if (!r.stages.empty()) r.stages.back().failed = true;
  switch (row_of(r.phase).if_aborted) {
    case IfAborted::kEnd:
      drop_pending([](const Effect& e) {
        return e.kind != EffectKind::kEnsureServices && e.kind != EffectKind::kBackUp;
      });
      return end(Outcome::kAborted, r.reason);
    case IfAborted::kEndAfterTheJob:
      if (is_pending(EffectKind::kRunJob) && now_ < r.deadline.value_or(now_)) {
        r.abort_when_safe = r.reason;
        return;
      }
      drop_pending([](const Effect& e) { return e.kind != EffectKind::kRunJob; });
      return end(Outcome::kAborted, r.reason);
    case IfAborted::kTakeTrafficBack:
      decide_without_asking();  // whatever the gateway has latched, weight 0 is right
      r.suspect = suspect;
      return enter(Phase::kAborting);
    case IfAborted::kIgnore:
      return;
  }
}

void Machine::fall_back_to_the_old_release() {
  auto& r = *s_.active;
  drop_pending([&](const Effect& e) {
    const bool of_the_old = e.kind == EffectKind::kStart && e.release != r.release;
    return of_the_old || e.kind == EffectKind::kStop || e.kind == EffectKind::kObserve;
  });
  if (r.committed) {
    s_.stable = r.previous;
    s_.stable_plan = r.from_plan;
    s_.stopped = r.previous != r.from;
  }
  std::vector<ArmShare> arms;
  if (r.from != 0 && r.from_plan.has_traffic()) arms.push_back({r.from, kWholePpm});
  if (in_arms(r.release) && !arms.empty()) arms.push_back({r.release, 0});
  issue_site(std::move(arms));
}

}  // namespace ecluse::rollout
