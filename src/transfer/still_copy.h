#pragma once
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>

#include "base/result.h"

namespace ecluse::transfer {

constexpr std::chrono::seconds kCopyPatience{10};

/// Copies a SQLite file with its write-ahead log or rollback journal into `folder`, at one moment
/// at which nobody wrote it, and touches nothing beside it. Waits at most `patience` for such a
/// moment; then Conflict. `owner`: whose file it must be, else Refused. Invalid: no regular file.
/// Blocking.
Result<std::filesystem::path> still_copy(const std::filesystem::path& file,
                                         const std::filesystem::path& folder,
                                         std::optional<uid_t> owner,
                                         std::chrono::milliseconds patience = kCopyPatience);

}  // namespace ecluse::transfer
