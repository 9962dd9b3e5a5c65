#pragma once
// The checks that a project runs in its pipeline, as `checks:` of ecluse.yml. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// Adds linters and tests that a workflow runs and that count there; else those that the project's
/// own settings name. Only what the build installs, and what needs no service: ecluse runs checks
/// in a clean checkout without one. What is left out is said as a gap.
void propose_checks(const Repository& repository, Proposal& out);

}  // namespace ecluse::preflight
