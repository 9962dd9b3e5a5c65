#include "rollout/step.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "rollout/machine.h"

namespace ecluse::rollout {

Step step(const State& state, const Event& event, TimePoint now) {
  Machine machine(state, now);
  std::visit([&](const auto& what) { machine.on(what); }, event);
  machine.advance();
  return std::move(machine).finish();
}

std::optional<TimePoint> deadline(const State& state) {
  std::optional<TimePoint> first;
  const auto consider = [&](TimePoint at) {
    if (!first || at < *first) first = at;
  };
  for (const auto& effect : state.pending) {
    const bool held_back = state.recovering && effect.kind != EffectKind::kAskLatch;
    if (!held_back) consider(effect.again_at);
  }
  if (state.active && state.active->deadline && !state.recovering)
    consider(*state.active->deadline);
  return first;
}

}  // namespace ecluse::rollout
