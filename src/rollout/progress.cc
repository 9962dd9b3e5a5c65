// When a phase is over, and what comes next.

#include "rollout/machine.h"

namespace ecluse::rollout {

void Machine::advance() {
  constexpr int kTransitionsMax = 64;  // more in one step would be a circle
  for (int i = 0; i < kTransitionsMax && !s_.recovering; ++i) {
    if (!s_.active && s_.queued) {
      s_.active = std::move(s_.queued);
      s_.queued.reset();
    }
    if (!s_.active) return;
    const auto id = s_.active->id;
    const auto phase = s_.active->phase;
    const auto at = s_.active->step;
    progress();
    if (s_.active && s_.active->id == id && s_.active->phase == phase && s_.active->step == at)
      return;
  }
}

void Machine::progress() {
  auto& r = *s_.active;
  const bool acked = s_.acked >= r.await;
  if (is_condemned()) return abort("the judge: " + r.verdict->reason);
  switch (r.phase) {
    case Phase::kQueued:
      return begin();
    case Phase::kPreparing:
      if (r.prepared) enter_gate();
      return;
    case Phase::kGated:
      if (r.approved) leave_gate();
      return;
    case Phase::kEnsuringServices:
      if (is_pending(EffectKind::kEnsureServices)) return;
      if (!r.run_jobs || r.plan.jobs.empty()) return enter(Phase::kStarting);
      // Before the first release there is nothing to lose.
      if (r.plan.wants_backup() && r.without_backup.empty() && r.previous != 0)
        return enter(Phase::kBackingUp);
      return begin_job(0);
    case Phase::kBackingUp:
      if (!is_pending(EffectKind::kBackUp)) begin_job(0);
      return;
    case Phase::kHoldingRequests:
      if (acked) enter(Phase::kReleaseJobs);
      return;
    case Phase::kReleaseJobs:
      if (is_pending(EffectKind::kRunJob)) return;
      jobs_are_done(r.release);
      return enter(Phase::kStarting);
    case Phase::kStarting:
      r.step = 0;
      if (!r.plan.has_traffic()) return enter(Phase::kCommitting);
      if (all_running(r.release, true)) enter(Phase::kProbing);
      return;
    case Phase::kProbing:
      if (!all_ready(r.release) || r.paused) return;
      if (r.plan.examine) return enter(Phase::kExamining);
      return begin_shifting();
    case Phase::kExamining:
      if (!is_pending(EffectKind::kExamine) && all_ready(r.release)) begin_shifting();
      return;
    case Phase::kShifting:
      if (!acked) return;
      return enter(r.plan.weights_ppm[r.step] < kWholePpm ? Phase::kHolding : Phase::kVerifying);
    case Phase::kHolding:
      if (r.now) return skip_the_holds();
      return proceed_when_proven();
    case Phase::kJudging:
      if (r.now || is_proven()) skip_the_holds();
      return;
    case Phase::kUndecided:
      if (r.now || r.decided || is_proven()) skip_the_holds();
      return;
    case Phase::kVerifying:
      if (!is_pending(EffectKind::kAsk)) enter(Phase::kCommitting);
      return;
    case Phase::kSwapping:
      if (acked) enter(Phase::kCommitting);
      return;
    case Phase::kCommitting:
      if (!is_pending(EffectKind::kCheckpoint)) after_commit();
      return;
    case Phase::kStoppingWorkers:
      if (!has_instances(r.from, true)) enter(Phase::kStartingWorkers);
      return;
    case Phase::kStartingWorkers:
      want(r.release, r.plan, false);
      if (!all_running(r.release, false)) return;
      if (!r.from_plan.has_traffic()) return after_bake();
      return enter(Phase::kDraining);
    case Phase::kDraining:
      if (is_pending(EffectKind::kCountInFlight)) return;
      if (r.plan.warm != model::Warm::kAll || r.plan.bake == Duration::zero()) return after_bake();
      return enter(Phase::kBaking);
    case Phase::kBaking:
      drop_needless();
      if (r.now || next_may_begin()) after_bake();
      return;
    case Phase::kDetachingOld:
      if (acked) enter(Phase::kStoppingOld);
      return;
    case Phase::kStoppingOld:
      if (!has_instances(r.from)) end(Outcome::kDone, {});
      return;
    case Phase::kAborting:
      if (acked) enter(Phase::kGathering);
      return;
    case Phase::kGathering:
      if (!is_pending(EffectKind::kGather)) enter(Phase::kDrainingNew);
      return;
    case Phase::kDrainingNew:
      if (!is_pending(EffectKind::kCountInFlight)) enter(Phase::kDetachingNew);
      return;
    case Phase::kDetachingNew:
      if (acked) enter(Phase::kStoppingNew);
      return;
    case Phase::kStoppingNew:
      if (!has_instances(r.release)) enter(Phase::kRestoring);
      return;
    case Phase::kRestoring:
      want(r.from, r.from_plan, false);
      if (all_running(r.from, false)) end(Outcome::kAborted, r.reason);
      return;
    case Phase::kClosing:
      if (acked) enter(Phase::kDrainingAll);
      return;
    case Phase::kDrainingAll:
      if (!is_pending(EffectKind::kCountInFlight)) enter(Phase::kDetachingAll);
      return;
    case Phase::kDetachingAll:
      if (acked) enter(Phase::kStoppingAll);
      return;
    case Phase::kStoppingAll:
      if (!has_instances(s_.stable)) end(Outcome::kDone, {});
      return;
    case Phase::kEnded:
      return;
  }
}

void Machine::begin_job(std::size_t index) {
  auto& r = *s_.active;
  r.step = index;
  const bool anybody_waits = r.from != 0 && r.from_plan.has_traffic();
  const bool holds = r.plan.jobs.at(index).blocking && anybody_waits;
  enter(holds ? Phase::kHoldingRequests : Phase::kReleaseJobs);
}

void Machine::begin_shifting() {
  auto& r = *s_.active;
  const bool alone = r.from == 0 || !r.from_plan.has_traffic();
  if (alone) r.step = r.plan.weights_ppm.size() - 1;
  enter(Phase::kShifting);
}

void Machine::jobs_are_done(model::ReleaseNumber release) {
  if (has_run_jobs(s_, release)) return;
  s_.jobs_done.push_back(release);
  if (s_.jobs_done.size() > kJobsDoneMax) s_.jobs_done.erase(s_.jobs_done.begin());
}

void Machine::let_requests_pass() {
  if (!s_.holding) return;
  s_.holding = false;
  refresh_site();
}

void Machine::after_commit() {
  const auto& r = *s_.active;
  if (has_instances(r.from, true)) return enter(Phase::kStoppingWorkers);
  enter(Phase::kStartingWorkers);
}

void Machine::after_bake() {
  auto& r = *s_.active;
  drop_pending([](const Effect& e) {
    return e.kind != EffectKind::kDrain && e.kind != EffectKind::kCountInFlight;
  });
  if (r.from == 0 || r.from == r.release) return end(Outcome::kDone, {});
  enter(Phase::kDetachingOld);
}

void Machine::end(Outcome outcome, std::string reason) {
  auto& r = *s_.active;
  if (!r.stages.empty() && !r.stages.back().ended) r.stages.back().ended = now_;
  r.outcome = outcome;
  r.reason = std::move(reason);
  r.phase = Phase::kEnded;
  r.deadline.reset();
  s_.ended.push_back(std::move(r));
  s_.active.reset();
  let_requests_pass();
}

}  // namespace ecluse::rollout
