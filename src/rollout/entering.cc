// What entering a phase does.

#include <fmt/format.h>

#include <algorithm>

#include "rollout/machine.h"

namespace ecluse::rollout {

void Machine::enter(Phase phase) {
  auto& r = *s_.active;
  if (!r.stages.empty() && !r.stages.back().ended) r.stages.back().ended = now_;
  r.phase = phase;
  r.entered = now_;
  const auto allowed = budget(phase);
  r.deadline = allowed ? std::optional(now_ + *allowed) : std::nullopt;
  r.stages.push_back({std::string(to_string(phase)), now_, std::nullopt, false, {}});
  drop_pending([](const Effect& e) { return e.kind != EffectKind::kSynthesize; });
  const bool is_blocking = phase == Phase::kReleaseJobs && r.plan.jobs.at(r.step).blocking;
  if (!is_blocking) let_requests_pass();
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
    case Phase::kBackingUp:
      issue({.kind = EffectKind::kBackUp, .release = r.release});
      return;
    case Phase::kHoldingRequests:
      s_.holding = true;
      issue_site(s_.arms);
      return;
    case Phase::kReleaseJobs:
      r.stages.back().name = fmt::format("release job {}", r.plan.jobs.at(r.step).command);
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
    case Phase::kExamining:
      issue({.kind = EffectKind::kExamine, .release = r.release});
      return;
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

}  // namespace ecluse::rollout
