#pragma once
// What images and compose files say of a part besides its command: its health page, the folders
// that outlive it. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// The page that HEALTHCHECK or a compose file's `healthcheck:` asks for; nothing where it is the
/// front page, or of another service.
std::optional<Proven> checked_page(const Repository& repository, const Stack& stack,
                                   const Part& part);

/// Adds to `out.volumes` the folders of the app that a compose file keeps in named volumes and that
/// hold nothing committed.
void propose_kept_folders(const Repository& repository, const Stack& stack, Proposal& out);

}  // namespace ecluse::preflight
