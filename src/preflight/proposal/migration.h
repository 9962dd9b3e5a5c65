#pragma once
// The jobs that bring a database to the code's schema, once per release. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// Of alembic, Flask-Migrate and Prisma, as they lie in the part's folder.
void propose_migration(const Repository& repository, const Part& part, Proposal& out);

/// `command` as a release job, which starts at the top: there the programs of a part below it are
/// not in the PATH.
std::string in_root(const Part& part, const std::string& command);

}  // namespace ecluse::preflight
