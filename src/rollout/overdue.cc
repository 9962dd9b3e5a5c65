// What happens when a phase has used up its time.

#include <fmt/format.h>

#include "rollout/machine.h"
#include "rollout/phase.h"

namespace ecluse::rollout {

std::vector<std::string> Machine::unready() const {
  std::vector<std::string> ids;
  for (const auto& i : s_.instances)
    if (i.release == s_.active->release && i.traffic && !i.ready) ids.push_back(instance_id(s_, i));
  return ids;
}

void Machine::give_up(std::string_view complaint) {
  const auto& r = *s_.active;
  const auto waiting = r.phase == Phase::kProbing ? unready() : std::vector<std::string>{};
  const bool in_a_job = r.phase == Phase::kReleaseJobs;
  const auto took = ecluse::to_string(std::chrono::duration_cast<Duration>(now_ - r.entered));
  abort(fmt::format(fmt::runtime(complaint), fmt::arg("took", took),
                    fmt::arg("job", in_a_job ? r.plan.jobs.at(r.step).command : std::string{}),
                    fmt::arg("release", r.release), fmt::arg("waiting", fmt::join(waiting, ", "))),
        waiting.empty() ? std::string{} : waiting.front());
}

void Machine::overdue() {
  const auto& row = row_of(s_.active->phase);
  const bool waits_for_resume = s_.active->paused && row.can_pause;
  if (waits_for_resume && row.if_overdue != IfOverdue::kBakeIsOver)
    return give_up("it was paused for {took}");
  switch (row.if_overdue) {
    case IfOverdue::kAbort:
      return give_up(row.complaint);
    case IfOverdue::kGoOn:
      return hold_is_over();
    case IfOverdue::kDecide:
      return decide();
    case IfOverdue::kDrop:
      // Requests in flight have used up their budget, and the stop signal gives them the rest;
      // evidence that takes so long is done without.
      return drop_pending([](const Effect& e) {
        return e.kind != EffectKind::kDrain && e.kind != EffectKind::kCountInFlight &&
               e.kind != EffectKind::kGather;
      });
    case IfOverdue::kBakeIsOver:
      return after_bake();
    case IfOverdue::kEnd:
      return end(Outcome::kAborted, s_.active->reason + std::string(row.complaint));
    case IfOverdue::kNever:
      return;
  }
}

}  // namespace ecluse::rollout
