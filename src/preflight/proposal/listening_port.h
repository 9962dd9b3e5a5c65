#pragma once
// The port that a part listens on, where no variable tells it another. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// Nothing where the part listens on $PORT.
std::optional<Proven> listening_port(const Repository& repository, const Part& part);

}  // namespace ecluse::preflight
