#pragma once
// A SQLite file that the code keeps beside itself: where instances may not write. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// Moves it into a volume: a link in the release points there, and what git holds of it is the
/// volume's first content. After `out.services` is known: with a database server there is none.
void propose_sqlite_file(const Repository& repository, const Stack& stack, Proposal& out);

}  // namespace ecluse::preflight
