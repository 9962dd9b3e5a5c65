#pragma once
// The stored form of an environment's state; unknown fields are ignored on read.

#include <string>
#include <string_view>

#include "base/result.h"
#include "rollout/state.h"

namespace ecluse::rollout {

std::string to_text(const State& state);
Result<State> state_from_text(std::string_view text);
std::string to_text(const Rollout& rollout);
Result<Rollout> rollout_from_text(std::string_view text);

}  // namespace ecluse::rollout
