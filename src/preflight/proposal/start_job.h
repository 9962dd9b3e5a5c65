#pragma once
// What a start script does once before it serves: seeds, the first administrator. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// Adds to `out.release` the programs of the repository that the start of an image or a compose
/// file runs before its server, besides the migrations and static files that are jobs already.
void propose_start_jobs(const Repository& repository, const Stack& stack, Proposal& out);

}  // namespace ecluse::preflight
