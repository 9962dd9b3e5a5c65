#include <fmt/format.h>

#include <algorithm>

#include "rollout/machine.h"

namespace ecluse::rollout {

namespace {
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kPrepareMax = hours(6);  // pipelines have deadlines of their own; the last line
constexpr Duration kGateMax = hours(24 * 7);
constexpr Duration kServicesMax = minutes(5);
constexpr Duration kStartMax = minutes(2);
constexpr Duration kShiftMax = minutes(1);
constexpr Duration kVerifyMax = seconds(15);
constexpr Duration kGatherMax = seconds(10);
constexpr Duration kWorkersMax = minutes(5);
constexpr Duration kPauseMax = hours(24);
constexpr Duration kJobSlack = minutes(2);

constexpr Duration kJudgingMax = seconds(15);
constexpr Duration kUndecidedMax = hours(24 * 7);

bool can_pause(Phase phase) {
  return phase == Phase::kProbing || phase == Phase::kHolding || phase == Phase::kJudging ||
         phase == Phase::kUndecided || phase == Phase::kBaking;
}

bool makes_a_release(Kind kind) {
  return kind != Kind::kRollback && kind != Kind::kStop;
}

std::string words_of(const std::vector<std::string>& waiting) {
  return fmt::format("{}", fmt::join(waiting, ", "));
}
}  // namespace

bool is_aborting(Phase phase) {
  switch (phase) {
    case Phase::kAborting:
    case Phase::kGathering:
    case Phase::kDrainingNew:
    case Phase::kDetachingNew:
    case Phase::kStoppingNew:
    case Phase::kRestoring:
      return true;
    case Phase::kQueued:
    case Phase::kPreparing:
    case Phase::kGated:
    case Phase::kEnsuringServices:
    case Phase::kReleaseJobs:
    case Phase::kStarting:
    case Phase::kProbing:
    case Phase::kShifting:
    case Phase::kHolding:
    case Phase::kJudging:
    case Phase::kUndecided:
    case Phase::kVerifying:
    case Phase::kSwapping:
    case Phase::kCommitting:
    case Phase::kStoppingWorkers:
    case Phase::kStartingWorkers:
    case Phase::kDraining:
    case Phase::kBaking:
    case Phase::kDetachingOld:
    case Phase::kStoppingOld:
    case Phase::kClosing:
    case Phase::kDrainingAll:
    case Phase::kDetachingAll:
    case Phase::kStoppingAll:
    case Phase::kEnded:
      return false;
  }
  return false;
}

bool may_be_decided(const Rollout& r) {
  return r.phase == Phase::kUndecided && r.plan.inconclusive == model::Inconclusive::kAsk;
}

bool is_armed(Phase phase) {
  return phase >= Phase::kStarting && phase <= Phase::kBaking && phase != Phase::kSwapping;
}

std::optional<Duration> Machine::budget(Phase phase) const {
  const auto& r = *s_.active;
  if (r.paused && can_pause(phase)) return kPauseMax;
  switch (phase) {
    case Phase::kPreparing:
      return kPrepareMax;
    case Phase::kGated:
      return kGateMax;
    case Phase::kEnsuringServices:
      return kServicesMax;
    case Phase::kReleaseJobs:
      return r.step < r.plan.job_timeouts.size() ? r.plan.job_timeouts[r.step] + kJobSlack
                                                 : kJobSlack;
    case Phase::kStarting:
      return kStartMax;
    case Phase::kProbing:
      return r.plan.start_budget;
    case Phase::kShifting:
      return kShiftMax;
    case Phase::kHolding:
      return r.plan.hold;
    case Phase::kJudging:
      return kJudgingMax;
    case Phase::kUndecided:
      return kUndecidedMax;
    case Phase::kVerifying:
      return kVerifyMax;
    case Phase::kStoppingWorkers:
    case Phase::kStartingWorkers:
    case Phase::kRestoring:
      return kWorkersMax;
    case Phase::kDraining:
      return r.from_plan.drain;
    case Phase::kDrainingNew:
      return r.plan.drain;
    case Phase::kDrainingAll:
      return s_.stable_plan.drain;
    case Phase::kBaking:
      return r.plan.bake;
    case Phase::kGathering:
      return kGatherMax;
    // These end when the world obeys and cannot be given up: a decision about traffic, the end of a
    // process, the disk. Their effects are issued again, with back-off, for as long as it takes.
    case Phase::kSwapping:
    case Phase::kCommitting:
    case Phase::kDetachingOld:
    case Phase::kStoppingOld:
    case Phase::kAborting:
    case Phase::kDetachingNew:
    case Phase::kStoppingNew:
    case Phase::kClosing:
    case Phase::kDetachingAll:
    case Phase::kStoppingAll:
    case Phase::kQueued:
    case Phase::kEnded:
      return std::nullopt;
  }
  return std::nullopt;
}

void Machine::enter(Phase phase) {
  auto& r = *s_.active;
  if (!r.stages.empty() && !r.stages.back().ended) r.stages.back().ended = now_;
  r.phase = phase;
  r.entered = now_;
  const auto allowed = budget(phase);
  r.deadline = allowed ? std::optional(now_ + *allowed) : std::nullopt;
  r.stages.push_back({std::string(to_string(phase)), now_, std::nullopt, false, {}});
  drop_pending([](const Effect& e) { return e.kind != EffectKind::kSynthesize; });
  switch (phase) {
    case Phase::kGated:
    case Phase::kPreparing:
    case Phase::kQueued:
    case Phase::kEnded:
    case Phase::kProbing:
    case Phase::kHolding:
    case Phase::kJudging:
    case Phase::kUndecided:
    case Phase::kBaking:
      return;
    case Phase::kEnsuringServices:
      issue({.kind = EffectKind::kEnsureServices, .release = r.release});
      return;
    case Phase::kReleaseJobs:
      r.stages.back().name = fmt::format("release job {}", r.plan.jobs.at(r.step));
      issue({.kind = EffectKind::kRunJob, .release = r.release, .index = static_cast<int>(r.step)});
      return;
    case Phase::kStarting:
      want(r.release, r.plan, true);
      return;
    case Phase::kShifting: {
      const auto weight = r.plan.weights_ppm[r.step];
      r.stages.back().detail = fmt::format("{:g}%", weight / 10'000.0);
      if (r.from == 0 || !r.from_plan.has_traffic()) {
        issue_site({{r.release, kWholePpm}});
      } else {
        issue_site({{r.from, kWholePpm - weight}, {r.release, weight}});
      }
      return;
    }
    case Phase::kVerifying:
      issue({.kind = EffectKind::kAsk, .release = r.release});
      return;
    case Phase::kSwapping:
      issue_site({{r.release, kWholePpm}, {r.from, 0}});
      return;
    case Phase::kCommitting:
      r.committed = true;
      r.now = false;  // it was about the holds; the bake is asked about anew
      s_.stable = r.release;
      s_.stable_plan = r.plan;
      s_.stopped = false;
      issue({.kind = EffectKind::kCheckpoint, .release = r.release});
      return;
    case Phase::kStoppingWorkers:
      stop_all(r.from, true);
      return;
    case Phase::kStartingWorkers:
      want(r.release, r.plan, false);
      return;
    case Phase::kDraining:
      issue({.kind = EffectKind::kDrain, .release = r.from});
      issue({.kind = EffectKind::kCountInFlight, .release = r.from});
      return;
    case Phase::kDetachingOld:
      issue_site(r.plan.has_traffic() ? std::vector<ArmShare>{{r.release, kWholePpm}}
                                      : std::vector<ArmShare>{});
      return;
    case Phase::kStoppingOld:
      stop_all(r.from, false);
      return;
    case Phase::kAborting:
      fall_back_to_the_old_release();
      return;
    case Phase::kGathering: {
      const auto* suspect = find_instance(s_, r.suspect);
      if (suspect != nullptr)
        issue({.kind = EffectKind::kGather,
               .release = suspect->release,
               .process = suspect->process,
               .index = suspect->index});
      return;
    }
    case Phase::kDrainingNew:
      if (!in_arms(r.release)) return;
      issue({.kind = EffectKind::kDrain, .release = r.release});
      issue({.kind = EffectKind::kCountInFlight, .release = r.release});
      return;
    case Phase::kDetachingNew: {
      auto arms = s_.arms;
      std::erase_if(arms, [&](const ArmShare& arm) { return arm.release == r.release; });
      issue_site(std::move(arms));
      return;
    }
    case Phase::kStoppingNew:
      stop_all(r.release, false);
      return;
    case Phase::kRestoring:
      want(r.from, r.from_plan, false);
      return;
    case Phase::kClosing:
      s_.stopped = true;
      issue_site(s_.arms);
      return;
    case Phase::kDrainingAll:
      issue({.kind = EffectKind::kDrain, .release = s_.stable});
      issue({.kind = EffectKind::kCountInFlight, .release = s_.stable});
      return;
    case Phase::kDetachingAll:
      issue_site({});
      return;
    case Phase::kStoppingAll:
      stop_all(s_.stable, false);
      return;
  }
}

void Machine::begin() {
  auto& r = *s_.active;
  r.from = s_.stopped ? 0 : s_.stable;
  r.previous = s_.stable;
  r.from_plan = r.from == 0 ? Plan{} : s_.stable_plan;
  enter(r.kind == Kind::kStop ? Phase::kClosing : Phase::kPreparing);
}

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
      return enter(r.run_jobs && !r.plan.jobs.empty() ? Phase::kReleaseJobs : Phase::kStarting);
    case Phase::kReleaseJobs:
      if (!is_pending(EffectKind::kRunJob)) enter(Phase::kStarting);
      return;
    case Phase::kStarting:
      r.step = 0;
      if (!r.plan.has_traffic()) return enter(Phase::kCommitting);
      if (all_running(r.release, true)) enter(Phase::kProbing);
      return;
    case Phase::kProbing:
      if (all_ready(r.release) && !r.paused) {
        const bool alone = r.from == 0 || !r.from_plan.has_traffic();
        if (alone) r.step = r.plan.weights_ppm.size() - 1;
        enter(Phase::kShifting);
      }
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

/// Whoever asks for the next release trusts this one: its bake gives way, but not before the next
/// one is built and approved.
bool Machine::next_may_begin() const {
  if (!s_.queued) return false;
  if (s_.queued->kind == Kind::kStop) return true;  // nothing to build, nobody to ask
  return s_.queued->prepared && !waits_for_approval(*s_.queued);
}

/// A queued rollout to the release that bakes has nothing to do; it need not wait to learn that.
void Machine::drop_needless() {
  if (!s_.queued || !s_.queued->prepared || s_.queued->release != s_.stable) return;
  Rollout needless = std::move(*s_.queued);
  s_.queued.reset();
  needless.outcome = Outcome::kDone;
  needless.phase = Phase::kEnded;
  needless.deadline.reset();
  needless.reason = already_serves(needless.release);
  s_.ended.push_back(std::move(needless));
}

std::string Machine::already_serves(model::ReleaseNumber release) const {
  return fmt::format("release {} already serves {}: nothing to do", release, to_string(s_.key));
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

void Machine::overdue() {
  auto& r = *s_.active;
  const auto took = ecluse::to_string(std::chrono::duration_cast<Duration>(now_ - r.entered));
  switch (r.phase) {
    case Phase::kPreparing:
      return abort(fmt::format("the pipeline did not end within {}", took));
    case Phase::kGated:
      return abort(fmt::format("nobody approved within {}", took));
    case Phase::kEnsuringServices:
      return abort(fmt::format("its services were not healthy within {}", took));
    case Phase::kReleaseJobs:
      return abort(
          fmt::format("release job `{}` did not end within {}", r.plan.jobs.at(r.step), took));
    case Phase::kStarting:
      return abort(fmt::format("its instances did not start within {}", took));
    case Phase::kProbing: {
      if (r.paused) return abort(fmt::format("it was paused for {}", took));
      std::vector<std::string> waiting;
      for (const auto& i : s_.instances)
        if (i.release == r.release && i.traffic && !i.ready) waiting.push_back(instance_id(s_, i));
      return abort(fmt::format("not ready within {}: {}", took, words_of(waiting)),
                   waiting.empty() ? std::string{} : waiting.front());
    }
    case Phase::kShifting:
      return abort(fmt::format("the gateway did not acknowledge the weight within {}", took));
    case Phase::kHolding:
      if (r.paused) return abort(fmt::format("it was paused for {}", took));
      return hold_is_over();
    case Phase::kJudging:
      if (r.paused) return abort(fmt::format("it was paused for {}", took));
      return decide();
    case Phase::kUndecided:
      return abort(fmt::format("nobody decided within {}", took));
    case Phase::kVerifying:
      return abort(fmt::format("no answer of release {} came through the gateway within {}",
                               r.release, took));
    case Phase::kStoppingWorkers:
      return abort(fmt::format("the old release's workers did not stop within {}", took));
    case Phase::kStartingWorkers:
      return abort(fmt::format("its workers did not start within {}", took));
    case Phase::kDraining:
    case Phase::kDrainingNew:
    case Phase::kDrainingAll:
      // The budget of requests in flight is used up; the stop signal gives them the rest.
      return drop_pending([](const Effect& e) {
        return e.kind != EffectKind::kDrain && e.kind != EffectKind::kCountInFlight;
      });
    case Phase::kGathering:
      return drop_pending([](const Effect& e) { return e.kind != EffectKind::kGather; });
    case Phase::kBaking:
      return after_bake();
    case Phase::kRestoring:
      return end(Outcome::kAborted, r.reason + "; the old release's workers are still starting");
    case Phase::kQueued:
    case Phase::kSwapping:
    case Phase::kCommitting:
    case Phase::kDetachingOld:
    case Phase::kStoppingOld:
    case Phase::kAborting:
    case Phase::kDetachingNew:
    case Phase::kStoppingNew:
    case Phase::kClosing:
    case Phase::kDetachingAll:
    case Phase::kStoppingAll:
    case Phase::kEnded:
      return;
  }
}

void Machine::abort(const std::string& reason, const std::string& suspect) {
  auto& r = *s_.active;
  if (r.reason.empty()) r.reason = reason;
  if (!r.stages.empty()) r.stages.back().failed = true;
  switch (r.phase) {
    case Phase::kQueued:
    case Phase::kPreparing:
    case Phase::kGated:
    case Phase::kEnsuringServices:
      drop_pending([](const Effect& e) { return e.kind != EffectKind::kEnsureServices; });
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

void Machine::end(Outcome outcome, std::string reason) {
  auto& r = *s_.active;
  if (!r.stages.empty() && !r.stages.back().ended) r.stages.back().ended = now_;
  r.outcome = outcome;
  r.reason = std::move(reason);
  r.phase = Phase::kEnded;
  r.deadline.reset();
  s_.ended.push_back(std::move(r));
  s_.active.reset();
}

void Machine::start_swap(const Requested& request) {
  decide_without_asking();  // whatever the gateway has latched, this swap is what is wanted now
  auto old = std::move(*s_.active);
  s_.active.reset();
  drop_pending([&](const Effect& e) {
    const bool of_the_loser = e.kind == EffectKind::kStart && e.release == old.release;
    return e.kind == EffectKind::kStop || e.kind == EffectKind::kObserve ||
           (e.kind == EffectKind::kStart && !of_the_loser);
  });
  Rollout r;
  r.id = fmt::format("{}@{}", to_string(s_.key), s_.next_rollout++);
  r.fence = fmt::format("{} term {}", r.id, request.term);
  r.kind = Kind::kRollback;
  r.release = request.release;
  r.from = r.previous = old.release;
  r.plan = old.from_plan;
  r.from_plan = old.plan;
  r.plan.warm = old.plan.warm;
  r.plan.bake = std::max(r.plan.bake, old.plan.bake);
  r.commit = request.commit;
  r.actor = request.actor;
  r.asked_because = request.reason;
  r.prepared = true;
  r.latch = old.fence;
  r.began = now_;
  old.outcome = Outcome::kDone;
  old.phase = Phase::kEnded;
  old.deadline.reset();
  old.reason = fmt::format("rolled back to release {} by {}", request.release, request.actor);
  s_.ended.push_back(std::move(old));
  s_.active = std::move(r);
  enter(Phase::kSwapping);
}

void Machine::on(const Requested& request) {
  if (refusal(s_, request)) return;
  const auto warm = warm_releases(s_);
  const bool is_warm =
      request.kind == Kind::kRollback && std::ranges::find(warm, request.release) != warm.end();
  if (s_.queued) {
    auto old = std::move(*s_.queued);
    s_.queued.reset();
    old.outcome = Outcome::kSuperseded;
    old.phase = Phase::kEnded;
    old.reason = fmt::format("replaced in the queue by a newer request of {}", request.actor);
    s_.ended.push_back(std::move(old));
  }
  if (is_warm) return start_swap(request);
  // Neither waits for what it undoes: a bake ends early, what is not committed is aborted.
  const bool undoes = request.kind == Kind::kRollback || request.kind == Kind::kStop;
  if (undoes && s_.active) {
    if (s_.active->committed) {
      s_.active->now = true;
    } else {
      abort(fmt::format("gives way to the {} asked for by {}", to_string(request.kind),
                        request.actor));
    }
  }
  Rollout r;
  r.id = fmt::format("{}@{}", to_string(s_.key), s_.next_rollout++);
  r.fence = fmt::format("{} term {}", r.id, request.term);
  r.kind = request.kind;
  r.release = request.release;
  r.plan = request.plan;
  r.commit = request.commit;
  r.actor = request.actor;
  r.asked_because = request.reason;
  r.gate = request.gate;
  r.waits_for = request.waits_for;
  r.began = r.entered = now_;
  s_.queued = std::move(r);
}

void Machine::on(const Prepared& prepared) {
  auto* r = s_.active && s_.active->id == prepared.id   ? &*s_.active
            : s_.queued && s_.queued->id == prepared.id ? &*s_.queued
                                                        : nullptr;
  if (r == nullptr || r->prepared) return;
  r->prepared = true;
  r->plan = prepared.plan;
  if (!makes_a_release(r->kind)) return;
  r->run_jobs = prepared.same_as == 0 && (r->kind == Kind::kDeploy || r->kind == Kind::kPromote);
  r->release = prepared.same_as != 0 ? prepared.same_as : s_.next_release++;
  if (!r->stages.empty()) r->stages.back().detail = prepared.note;
}

void Machine::on(const PrepareFailed& failed) {
  auto* slot = s_.active && s_.active->id == failed.id   ? &s_.active
               : s_.queued && s_.queued->id == failed.id ? &s_.queued
                                                         : nullptr;
  if (slot == nullptr || (*slot)->prepared) return;
  auto r = std::move(**slot);
  slot->reset();
  r.outcome = Outcome::kFailed;
  r.phase = Phase::kEnded;
  r.deadline.reset();
  r.reason = failed.reason;
  if (!r.stages.empty()) {
    r.stages.back().failed = true;
    r.stages.back().ended = now_;
  }
  s_.ended.push_back(std::move(r));
}

void Machine::on(const Approved& approved) {
  if (refusal(s_, approved)) return;
  const bool active = s_.active && s_.active->phase == Phase::kGated;
  const bool decides = s_.active && s_.active->id == approved.id && may_be_decided(*s_.active);
  Rollout& r = decides || (active && s_.active->id == approved.id) ? *s_.active : *s_.queued;
  (decides ? r.decided : r.approved) = true;
  if (!r.stages.empty()) r.stages.back().detail = fmt::format("approved by {}", approved.actor);
}

void Machine::on(const AbortAsked& asked) {
  if (refusal(s_, asked)) return;
  abort(asked.reason.empty() ? fmt::format("aborted by {}", asked.actor)
                             : fmt::format("aborted by {}: {}", asked.actor, asked.reason));
}

void Machine::on(const PauseAsked& asked) {
  if (refusal(s_, asked)) return;
  auto& r = *s_.active;
  r.paused = true;
  if (can_pause(r.phase)) r.deadline = now_ + kPauseMax;
}

void Machine::on(const ResumeAsked& asked) {
  if (refusal(s_, asked)) return;
  auto& r = *s_.active;
  r.paused = false;
  if (const auto allowed = budget(r.phase); can_pause(r.phase) && allowed)
    r.deadline = now_ + *allowed;
}

void Machine::on(const NowAsked& asked) {
  if (refusal(s_, asked)) return;
  s_.active->now = true;
  s_.active->paused = false;
}

void Machine::on(const MaintenanceAsked& asked) {
  if (s_.maintenance == asked.on) return;
  s_.maintenance = asked.on;
  refresh_site();
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

std::optional<Error> refusal(const State& state, const Event& event) {
  const auto refuse = [](std::string message, std::string hint = {}) {
    return Error{ErrorKind::kRefused, std::move(message), std::move(hint)};
  };
  const auto environment = to_string(state.key);
  if (const auto* asked = std::get_if<Requested>(&event)) {
    const bool needs_stable = asked->kind == Kind::kRestart || asked->kind == Kind::kScale ||
                              asked->kind == Kind::kStop || asked->kind == Kind::kStart;
    if (needs_stable && state.stable == 0)
      return refuse(fmt::format("nothing is deployed to {}", environment), "ecluse deploy");
    if (asked->kind == Kind::kStop && state.stopped)
      return refuse(fmt::format("{} is stopped already", environment), "ecluse start");
    if (asked->kind == Kind::kStart && !state.stopped)
      return refuse(fmt::format("{} runs already", environment), "ecluse restart");
    return std::nullopt;
  }
  if (const auto* approved = std::get_if<Approved>(&event)) {
    if (awaiting_approval(state, approved->id) != nullptr) return std::nullopt;
    return refuse(fmt::format("{} does not wait for an approval", approved->id));
  }
  const bool about_the_active =
      std::holds_alternative<AbortAsked>(event) || std::holds_alternative<PauseAsked>(event) ||
      std::holds_alternative<ResumeAsked>(event) || std::holds_alternative<NowAsked>(event);
  if (about_the_active && !state.active)
    return refuse(fmt::format("no rollout is running in {}", environment));
  if (!about_the_active) return std::nullopt;
  const auto& r = *state.active;
  if (std::holds_alternative<AbortAsked>(event)) {
    if (is_aborting(r.phase)) return refuse(fmt::format("{} is being aborted already", r.id));
    const bool too_late = r.phase == Phase::kDetachingOld || r.phase == Phase::kStoppingOld;
    if (too_late || r.kind == Kind::kStop || r.phase == Phase::kSwapping)
      return refuse(
          fmt::format("{} is {} and cannot be aborted any more", r.id, to_string(r.phase)),
          "ecluse rollback");
    return std::nullopt;
  }
  if (is_aborting(r.phase)) return refuse(fmt::format("{} is being aborted", r.id));
  if (std::holds_alternative<ResumeAsked>(event) && !r.paused)
    return refuse(fmt::format("{} is not paused", r.id));
  return std::nullopt;
}

}  // namespace ecluse::rollout
