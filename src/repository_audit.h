#pragma once
// The gate's view of a commit: its files, laid out for a moment, and what ecluse check says of
// them.

#include <filesystem>
#include <functional>

#include "control/ports.h"

namespace ecluse {

/// For control::Ports::audit. `folder` is its own: what a crash left there is removed. `vcs` must
/// outlive the result. Blocking; may be called by several threads.
std::function<Result<control::Audit>(const model::Commit&, const model::EnvironmentSpec&)>
repository_audit(ports::Vcs& vcs, const std::filesystem::path& folder);

}  // namespace ecluse
