#pragma once
// One PostgreSQL database into a file by pg_dump, and the proof that it comes back out of it.

#include <cstdint>
#include <filesystem>

#include "base/result.h"
#include "base/time.h"
#include "ports/services.h"

namespace ecluse::backup {

/// Together less than an effect's patience: a backup that takes longer is none.
constexpr std::chrono::minutes kDumpMax{20};
constexpr std::chrono::minutes kRestoreMax{30};
/// pg_dump gives up when somebody holds a table locked for so long.
constexpr std::chrono::seconds kLockWaitMax{30};

/// Writes the database of `access` to `file` in pg_dump's custom format, compressed. Blocking.
/// Internal: pg_dump failed, in its own words; Timeout.
Result<void> dump(const ports::DatabaseAccess& access, const std::filesystem::path& file,
                  std::chrono::milliseconds lock_wait = kLockWaitMax);

struct Proof {
  std::uint64_t tables = 0;
  Duration took{};
};
/// Restores `file` into a database of its own on the same server, compares the tables with the
/// file's list, and drops it. `scratch` names that database; one left by an earlier attempt is
/// dropped first. Blocking.
Result<Proof> prove_restore(const ports::DatabaseAccess& access, const std::filesystem::path& file,
                            const std::string& scratch);

/// SHA-256 of a file of any size, as 64 hex digits.
Result<std::string> sha256_of(const std::filesystem::path& file);

}  // namespace ecluse::backup
