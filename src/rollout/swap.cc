// A warm rollback: the traffic goes back by one pointer, before anything is written.

#include <fmt/format.h>

#include <algorithm>

#include "rollout/machine.h"

namespace ecluse::rollout {

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

}  // namespace ecluse::rollout
