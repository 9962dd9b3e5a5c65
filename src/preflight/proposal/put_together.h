#pragma once
// How the parts of one repository stand side by side: which are the app, what they are called and
// which paths each answers. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// Leaves the parts that are the app, with names and routes. `gaps` gets those left out, and routes
/// that are guesses.
void put_together(const Repository& repository, std::vector<Part>& parts, std::vector<Gap>& gaps);

}  // namespace ecluse::preflight
