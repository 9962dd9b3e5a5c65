#pragma once
// The rollout machine: total, pure. docs/rollouts.md explains it.

#include <optional>
#include <vector>

#include "rollout/event.h"
#include "rollout/state.h"

namespace ecluse::rollout {

struct Step {
  State next;
  std::vector<Effect> effects;
};

/// Every event in every state has an answer. Lists of effects never hold both a stop and a decision
/// about traffic.
Step step(const State& state, const Event& event, TimePoint now);
/// When a Tick is due: derived from the state, so a lost timer cannot exist.
std::optional<TimePoint> deadline(const State& state);

bool is_aborting(Phase phase);
/// The new release may have traffic, and facts about its instances may still abort the rollout.
bool is_armed(Phase phase);
/// Two releases have traffic, and the judge's rulings decide: a deploy or a promotion beside an old
/// release, from its first weight until its bake is over.
bool is_on_trial(const Rollout& r);
/// Nothing was proven, and `inconclusive: ask` leaves it to a person's approval.
bool may_be_decided(const Rollout& r);
/// Built, gated and not approved yet.
bool waits_for_approval(const Rollout& r);
/// The rollout `id`, or with an empty id any, that an approval would let go on: at its gate, or
/// built and queued behind a bake. Null when there is none.
const Rollout* awaiting_approval(const State& state, std::string_view id);

/// Why an operator's wish cannot be granted now; nothing: it can. The same questions step() asks.
std::optional<Error> refusal(const State& state, const Event& event);

}  // namespace ecluse::rollout
