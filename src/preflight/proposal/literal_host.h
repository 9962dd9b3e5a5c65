#pragma once
// A database whose place the code itself says, so that it cannot be given another. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// Adds a gap for DATABASES of Django without a variable, where no database is proposed, and for an
/// address that names a host.
void note_literal_host(const Repository& repository, const Stack& stack, Proposal& out);

}  // namespace ecluse::preflight
