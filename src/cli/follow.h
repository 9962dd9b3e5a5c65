#pragma once
// Watching a rollout until it serves, ends, or waits for a person.

#include "cli/session.h"
#include "control/operations.h"

namespace ecluse::cli {

enum class Until {
  kServes,  ///< or failed; a gate that waits for a person ends it too (kRefused)
  kEnds,    ///< baking included, and through gates
};

/// Shows progress: redrawn in place on a terminal, plain lines elsewhere, nothing with --json,
/// where the last view is printed as JSON. On failure prints all the evidence. Ctrl-C detaches.
int follow(const Session& session, const Common& common, Daemon& daemon,
           const control::RolloutId& id, Until until);

/// What to do with the answer to an act: say the note, or follow the rollout.
int follow_ticket(const Session& session, const Common& common, Daemon& daemon,
                  const Result<control::Ticket>& ticket, bool detach, Until until = Until::kServes);

}  // namespace ecluse::cli
