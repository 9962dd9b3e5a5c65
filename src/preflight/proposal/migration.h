#pragma once
// The jobs that bring a database to the code's schema, once per release. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// Of alembic and Flask-Migrate, as they lie in the part's folder.
void propose_migration(const Repository& repository, const Part& part, Proposal& out);

/// `command` as a release job, which starts at the top: there the programs of a part below it are
/// not in the PATH.
std::string in_root(const Part& part, const std::string& command);

/// The same in the folder that the part is started in, which may lie below the one it is built in.
std::string where_started(const Part& part, const std::string& command);

/// "python manage.py", or "python -m shop.manage" where its modules are found from above it.
std::string manage_command(const Django& django);

}  // namespace ecluse::preflight
