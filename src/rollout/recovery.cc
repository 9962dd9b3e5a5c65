// After a restart, and after a refusal: what does the gateway have latched, and what runs?

#include <algorithm>

#include "rollout/machine.h"

namespace ecluse::rollout {

void Machine::on(const Recovered&) {
  s_.recovering = true;
  drop_pending([](const Effect& e) {
    return e.kind != EffectKind::kAskLatch && e.kind != EffectKind::kObserve;
  });
  s_.refusals = 0;
  if (s_.active && s_.active->release != 0) {
    ask_latch(Duration::zero());
  } else {
    latched({});
  }
}

void Machine::ask_latch(Duration wait) {
  s_.recovering = true;
  drop_pending([](const Effect& e) { return e.kind != EffectKind::kAskLatch; });
  auto& effect =
      issue({.kind = EffectKind::kAskLatch, .fence = s_.active ? s_.active->fence : std::string{}});
  if (wait == Duration::zero()) return;
  effect.again_at = now_ + wait;
  out_.pop_back();
}

/// It knows of a newer decision, or of an abort that was under way when its sender was killed and
/// came after we had asked. Which of them, only the gateway can say.
void Machine::refused_by_the_gateway() {
  const auto wait = backoff(s_.refusals++);
  drop_pending([](const Effect& e) { return !is_site_decision(e.kind); });
  ask_latch(wait);
}

void Machine::decide_without_asking() {
  if (!s_.recovering) return;
  s_.recovering = false;
  drop_pending([](const Effect& e) { return e.kind != EffectKind::kAskLatch; });
  if (s_.refusals == 0) issue_again();
}

/// What was under way when this process started. After a reboot the recorded targets are gone: the
/// site is told anew when they were looked at.
void Machine::issue_again() {
  for (auto& effect : s_.pending) {
    effect.again_at = now_ + patience(effect.kind);
    if (!is_site_decision(effect.kind)) out_.push_back(effect);
  }
  issue({.kind = EffectKind::kObserve});
}

void Machine::latched(const std::vector<model::ReleaseNumber>& releases) {
  s_.recovering = false;
  const bool has_just_started = s_.refusals == 0;
  const bool aborted =
      s_.active && std::ranges::find(releases, s_.active->release) != releases.end();
  // The old release is being stopped: there is nothing left to go back to.
  if (aborted && s_.active->phase == Phase::kStoppingOld) s_.active->fence.clear();
  if (has_just_started) {
    issue_again();
  } else {
    refresh_awaited_site();
  }
  if (!aborted || is_aborting(s_.active->phase)) return;
  const auto* reason = "the gateway had latched its abort when ecluse was killed: it stands";
  if (s_.active->phase != Phase::kSwapping) return abort(reason);
  // Nobody aborts a swap, but its commit may be what the crash took, and an abort came after that.
  s_.active->reason = reason;
  enter(Phase::kAborting);
}

void Machine::observed(const Effect& effect, const std::vector<Sighting>& sightings) {
  for (auto& instance : s_.instances) {
    // What was started after the question may be missing in the answer.
    const bool is_newer = instance.started_by > effect.id;
    if (instance.standing == InstanceStanding::kStopping || is_newer) continue;
    const auto seen = std::ranges::find_if(sightings, [&](const Sighting& sighting) {
      return sighting.release == instance.release && sighting.process == instance.process &&
             sighting.index == instance.index;
    });
    const bool runs = seen != sightings.end() && seen->running;
    if (!runs) {
      const bool asked = std::ranges::any_of(s_.pending, [&](const Effect& e) {
        return e.kind == EffectKind::kStart && e.release == instance.release &&
               e.process == instance.process && e.index == instance.index;
      });
      instance.ready = false;
      if (!asked) start(instance);
      continue;
    }
    instance.address = seen->address;
    instance.port = seen->port;
  }
  for (const auto& sighting : sightings) {
    if (record(sighting.release, sighting.process, sighting.index) != nullptr) continue;
    // What we have no record of was started by an effect that outlived its decision.
    issue({.kind = EffectKind::kStop,
           .release = sighting.release,
           .process = sighting.process,
           .index = sighting.index});
  }
  if (s_.sequence > 0) refresh_awaited_site();
}

}  // namespace ecluse::rollout
