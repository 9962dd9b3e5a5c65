// Requests, and the one place where they wait.

#include <fmt/format.h>

#include <algorithm>

#include "rollout/machine.h"

namespace ecluse::rollout {

namespace {
bool makes_a_release(Kind kind) {
  return kind != Kind::kRollback && kind != Kind::kStop;
}
}  // namespace

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
  r.without_backup = request.without_backup;
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
  const bool is_a_copy = r->kind != Kind::kDeploy && r->kind != Kind::kPromote;
  if (is_a_copy || r->plan.jobs.empty()) jobs_are_done(r->release);
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

void Machine::begin() {
  auto& r = *s_.active;
  r.from = s_.stopped ? 0 : s_.stable;
  r.previous = s_.stable;
  r.from_plan = r.from == 0 ? Plan{} : s_.stable_plan;
  enter(r.kind == Kind::kStop ? Phase::kClosing : Phase::kPreparing);
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

}  // namespace ecluse::rollout
