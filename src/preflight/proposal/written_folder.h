#pragma once
// Folders of the repository that its code writes to: an instance may write to volumes alone. Pure.

#include <optional>
#include <string>
#include <vector>

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// What `expression` in `file` comes to, from the top of the repository: `BASE_DIR / "logs"` is
/// "logs"; a relative text counts from `root`, where the app is started. Nothing where a part of it
/// is not known, or it leads out of the repository.
std::optional<std::string> path_of(const CodeFile& file, const Value& expression,
                                   const Scope& scope, const std::string& root);

/// Does git hold files of this folder? A volume there would hide them; a file that only keeps the
/// folder in git is nothing.
bool holds_files(const Repository& repository, const std::string& folder);

/// Adds to `out.volumes` the folders that the parts' code makes or logs to and that hold nothing
/// committed, which a volume would hide.
void propose_written_folders(const Repository& repository, Proposal& out);

}  // namespace ecluse::preflight
