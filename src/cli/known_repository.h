#pragma once
// A person's repository as facts, with what was found out about it the last time.

#include <filesystem>

#include "base/result.h"
#include "cli/session.h"
#include "preflight/facts/repository.h"

namespace ecluse::cli {

/// Blocking; fails as preflight::read_repository() does. Facts of source files are kept in
/// $XDG_CACHE_HOME/ecluse/check, else ~/.cache/ecluse/check, unless `afresh` or that folder is
/// somebody else's or open to all; that they could not be kept is said, and changes nothing else.
Result<preflight::Repository> read_known(const Session& session, const std::filesystem::path& root,
                                         bool afresh);

}  // namespace ecluse::cli
