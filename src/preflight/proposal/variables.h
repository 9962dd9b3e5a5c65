#pragma once
// Services, variables, secrets and hosts that the code of a repository asks for. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// Fills `services`, `env`, `secrets`, `asks`, `host` and gaps of `out`, whose parts are known.
void propose_variables(const Repository& repository, const Stack& stack, Proposal& out);

}  // namespace ecluse::preflight
