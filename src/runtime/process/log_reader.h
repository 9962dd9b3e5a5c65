#pragma once
// Reads what a shim's log files hold: the last lines, or all from an offset on.

#include <filesystem>

#include "base/result.h"
#include "ports/runtime.h"

namespace ecluse::runtime {

/// At most 1 MiB at once. An offset that rotation has dropped continues at the oldest line kept;
/// the last lines begin with a whole one: of half a line a value could not be redacted.
Result<ports::LogChunk> read_log(const std::filesystem::path& folder, const ports::LogQuery& query);

/// All from `offset` on, also from 0.
Result<ports::LogChunk> read_log_from(const std::filesystem::path& folder, std::uint64_t offset);

}  // namespace ecluse::runtime
