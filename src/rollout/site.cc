// What the gateway shall do: the arms of the site.

#include <algorithm>

#include "rollout/machine.h"

namespace ecluse::rollout {

void Machine::issue_site(std::vector<ArmShare> arms) {
  s_.arms = std::move(arms);
  refresh_site();
  if (s_.active) s_.active->await = s_.sequence;
}

void Machine::refresh_site() {
  drop_pending([](const Effect& e) { return !is_site_decision(e.kind); });
  s_.sequence += 1;
  if (s_.recovering) return;  // it is told when it was asked
  Effect effect{.kind = EffectKind::kApplySite, .sequence = s_.sequence};
  if (s_.active) {
    const auto& r = *s_.active;
    effect.fence = r.fence;
    if (r.phase == Phase::kAborting) {
      effect.kind = EffectKind::kAbortSite;
      effect.release = r.release;
    } else if (r.phase == Phase::kSwapping) {
      effect.kind = EffectKind::kAbortSite;
      effect.release = r.from;
      effect.fence = r.latch;
    }
  }
  issue(std::move(effect));
}

void Machine::refresh_awaited_site() {
  const bool awaits = s_.active && s_.acked < s_.active->await;
  refresh_site();
  if (awaits) s_.active->await = s_.sequence;
}

bool Machine::in_arms(model::ReleaseNumber release) const {
  return std::ranges::find(s_.arms, release, &ArmShare::release) != s_.arms.end();
}

}  // namespace ecluse::rollout
