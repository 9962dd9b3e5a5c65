#pragma once
// The gate's view of a release that runs: looked at by instances of its own, judged with what its
// code says.

#include <filesystem>
#include <functional>

#include "control/ports.h"

namespace ecluse {

/// For control::Ports::examine. `folder` is its own: what a crash left there is removed. `vcs` and
/// `runtime` must outlive the result. Blocking; may be called by several threads.
std::function<Result<ports::Examination>(const ports::ExaminationOrder&)> started_examination(
    ports::Vcs& vcs, ports::Runtime& runtime, const std::filesystem::path& folder, bool isolated);

}  // namespace ecluse
