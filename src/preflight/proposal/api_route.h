#pragma once
// The paths that a back end answers, as its routers are mounted. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

constexpr std::size_t kRoutesMax = 16;

/// First parts of its paths, at most kRoutesMax; "/api" alone where everything is below it. Empty
/// where the code of `part` names none.
std::vector<Proven> api_routes(const Repository& repository, const Part& part);

}  // namespace ecluse::preflight
