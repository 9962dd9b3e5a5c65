// The way back to the old release.

#include "rollout/machine.h"

namespace ecluse::rollout {

void Machine::abort(const std::string& reason, const std::string& suspect) {
  auto& r = *s_.active;
  if (r.reason.empty()) r.reason = reason;
  if (!r.stages.empty()) r.stages.back().failed = true;
  switch (r.phase) {
    case Phase::kQueued:
    case Phase::kPreparing:
    case Phase::kGated:
    case Phase::kEnsuringServices:
    case Phase::kBackingUp:
    case Phase::kHoldingRequests:
      drop_pending([](const Effect& e) {
        return e.kind != EffectKind::kEnsureServices && e.kind != EffectKind::kBackUp;
      });
      return end(Outcome::kAborted, r.reason);
    case Phase::kReleaseJobs:
      // A migration is not killed half way: the abort takes effect when the job has ended.
      if (is_pending(EffectKind::kRunJob) && now_ < r.deadline.value_or(now_)) {
        r.abort_when_safe = r.reason;
        return;
      }
      drop_pending([](const Effect& e) { return e.kind != EffectKind::kRunJob; });
      return end(Outcome::kAborted, r.reason);
    case Phase::kStarting:
    case Phase::kProbing:
    case Phase::kExamining:
    case Phase::kShifting:
    case Phase::kHolding:
    case Phase::kJudging:
    case Phase::kUndecided:
    case Phase::kVerifying:
    case Phase::kCommitting:
    case Phase::kStoppingWorkers:
    case Phase::kStartingWorkers:
    case Phase::kDraining:
    case Phase::kBaking:
    case Phase::kDetachingOld:
      decide_without_asking();  // whatever the gateway has latched, weight 0 is right
      r.suspect = suspect;
      return enter(Phase::kAborting);
    case Phase::kSwapping:
    case Phase::kStoppingOld:
    case Phase::kAborting:
    case Phase::kGathering:
    case Phase::kDrainingNew:
    case Phase::kDetachingNew:
    case Phase::kStoppingNew:
    case Phase::kRestoring:
    case Phase::kClosing:
    case Phase::kDrainingAll:
    case Phase::kDetachingAll:
    case Phase::kStoppingAll:
    case Phase::kEnded:
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
