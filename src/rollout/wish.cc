// What operators wish of a rollout under way.

#include <fmt/format.h>

#include "rollout/machine.h"
#include "rollout/phase.h"

namespace ecluse::rollout {

void Machine::on(const AbortAsked& asked) {
  if (refusal(s_, asked)) return;
  abort(asked.reason.empty() ? fmt::format("aborted by {}", asked.actor)
                             : fmt::format("aborted by {}: {}", asked.actor, asked.reason));
}

void Machine::on(const PauseAsked& asked) {
  if (refusal(s_, asked)) return;
  auto& r = *s_.active;
  r.paused = true;
  if (row_of(r.phase).can_pause) r.deadline = now_ + kPauseMax;
}

void Machine::on(const ResumeAsked& asked) {
  if (refusal(s_, asked)) return;
  auto& r = *s_.active;
  r.paused = false;
  if (const auto allowed = budget(r.phase); row_of(r.phase).can_pause && allowed)
    r.deadline = now_ + *allowed;
}

void Machine::on(const NowAsked& asked) {
  if (refusal(s_, asked)) return;
  s_.active->now = true;
  s_.active->hurried_because = asked.reason;
  s_.active->paused = false;
}

void Machine::on(const MaintenanceAsked& asked) {
  if (s_.maintenance == asked.on) return;
  s_.maintenance = asked.on;
  refresh_site();
}

}  // namespace ecluse::rollout
