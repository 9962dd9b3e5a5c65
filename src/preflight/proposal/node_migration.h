#pragma once
// The job that brings a database to the schema of a Node app, once per release. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// Of Sequelize, Knex, TypeORM, Drizzle and Prisma: what a script of package.json runs, else what
/// lies in the part's folder. A tool that is declared for development alone is installed by a line
/// of the build, which brings those packages.
void propose_node_migration(const Repository& repository, Part& part, Proposal& out);

}  // namespace ecluse::preflight
