#pragma once
// The gate's view of a release that runs: looked at by instances of its own, judged with what its
// code says.

#include <cstdint>
#include <filesystem>
#include <functional>

#include "control/ports.h"

namespace ecluse {

/// The memory that is free now, in bytes; 0: unknown.
using FreeMemory = std::function<std::uint64_t()>;

/// For control::Ports::examine. `folder` is its own: what a crash left there is removed. `vcs` and
/// `runtime` must outlive the result. Starts nothing where what it starts would not fit beside what
/// runs: the report says so. Blocking; may be called by several threads.
std::function<Result<ports::Examination>(const ports::ExaminationOrder&)> started_examination(
    ports::Vcs& vcs, ports::Runtime& runtime, const std::filesystem::path& folder, bool isolated,
    FreeMemory free_memory);

}  // namespace ecluse
