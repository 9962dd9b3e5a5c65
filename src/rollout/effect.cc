// Issuing effects, and issuing them again.

#include <algorithm>

#include "rollout/machine.h"

namespace ecluse::rollout {

namespace {
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kBackoffMax = seconds(10);

}  // namespace

Duration patience(EffectKind kind) {
  switch (kind) {
    case EffectKind::kRunJob:
      return minutes(20);
    case EffectKind::kExamine:
      return minutes(5);
    case EffectKind::kEnsureServices:
      return minutes(3);
    case EffectKind::kBackUp:
      return hours(1);
    case EffectKind::kStart:
    case EffectKind::kStop:
      return minutes(2);
    case EffectKind::kAskLatch:
    case EffectKind::kObserve:
    case EffectKind::kApplySite:
    case EffectKind::kAbortSite:
    case EffectKind::kAsk:
    case EffectKind::kCheckpoint:
    case EffectKind::kDrain:
    case EffectKind::kCountInFlight:
    case EffectKind::kGather:
      return seconds(10);
    case EffectKind::kSynthesize:
      return minutes(1);
  }
  return seconds(10);
}

Duration backoff(std::uint32_t attempt) {
  return std::min(kBackoffMax, milliseconds(100) * (1 << std::min(attempt, 7U)));
}

Machine::Machine(const State& state, TimePoint now) : s_(state), now_(now) {
  s_.ended.clear();
}

Step Machine::finish() && {
  const bool about_traffic =
      std::ranges::any_of(out_, [](const Effect& e) { return is_site_decision(e.kind); });
  if (about_traffic) {
    // A stop never travels with a decision about traffic: it goes with the next tick.
    for (auto& effect : s_.pending)
      for (const auto& issued : out_)
        if (issued.id == effect.id && is_unsafe(effect.kind)) effect.again_at = now_;
    std::erase_if(out_, [](const Effect& e) { return is_unsafe(e.kind); });
  }
  // What a later decision of the same step has dropped is not issued.
  std::erase_if(out_, [&](const Effect& e) {
    return std::ranges::find(s_.pending, e.id, &Effect::id) == s_.pending.end();
  });
  return {std::move(s_), std::move(out_)};
}

Effect& Machine::issue(Effect effect) {
  effect.id = s_.next_effect++;
  effect.again_at = now_ + patience(effect.kind);
  s_.pending.push_back(effect);
  out_.push_back(effect);
  return s_.pending.back();
}

bool Machine::is_pending(EffectKind kind) const {
  return std::ranges::find(s_.pending, kind, &Effect::kind) != s_.pending.end();
}

void Machine::on(const Tick&) {
  for (auto& effect : s_.pending) {
    const bool held_back = s_.recovering && effect.kind != EffectKind::kAskLatch;
    if (effect.again_at > now_ || held_back) continue;
    effect.attempt += 1;
    effect.again_at = now_ + patience(effect.kind);
    out_.push_back(effect);
  }
  if (!s_.recovering && s_.active && s_.active->deadline && *s_.active->deadline <= now_) overdue();
}

}  // namespace ecluse::rollout
