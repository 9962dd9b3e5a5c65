#pragma once
// Asks a running gateway to become the program on disk.

#include <filesystem>

#include "base/result.h"
#include "base/time.h"

namespace ecluse::gateway {

/// Blocking, until the newer process serves. `workers`: its threads, 0: as many as now. Conflict:
/// it failed and the former one serves on. Unavailable: nobody answers at `control`. Timeout.
Result<void> upgrade(const std::filesystem::path& control, unsigned workers, Duration patience);

}  // namespace ecluse::gateway
