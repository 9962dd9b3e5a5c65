// What happens when a phase has used up its time.

#include <fmt/format.h>

#include "rollout/machine.h"

namespace ecluse::rollout {

namespace {
std::string words_of(const std::vector<std::string>& waiting) {
  return fmt::format("{}", fmt::join(waiting, ", "));
}
}  // namespace

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
      return abort(fmt::format("release job `{}` did not end within {}",
                               r.plan.jobs.at(r.step).command, took));
    case Phase::kBackingUp:
      return abort(fmt::format("there was no proven backup within {}", took));
    case Phase::kHoldingRequests:
      return abort(fmt::format("the gateway did not hold the requests within {}", took));
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
    case Phase::kExamining:
      if (!is_pending(EffectKind::kExamine))
        return abort(fmt::format("not ready again within {}", took));
      // Nothing was found that forbids traffic: looking on is not worth a rollout.
      r.stages.back().detail = fmt::format("the examination did not end within {}", took);
      return drop_pending([](const Effect& e) { return e.kind != EffectKind::kExamine; });
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

}  // namespace ecluse::rollout
