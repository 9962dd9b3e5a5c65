#pragma once
// What lies beside the dumps of one backup set: docs/backup.md has the format. Written last, so a
// folder without it is what a crash left of one.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/key.h"

namespace ecluse::backup {

/// One database in it.
struct Dump {
  std::string service;
  std::string file;  ///< beside the label
  std::uint64_t bytes = 0;
  std::string sha256;  ///< of the file, 64 hex digits
  std::uint64_t tables = 0;
  Duration restored_in{};
  bool operator==(const Dump&) const = default;
};

struct BackupLabel {
  model::ReleaseNumber release = 0;
  WallTime made_at;
  std::vector<Dump> dumps;
  std::vector<std::string> left_out;  ///< "cache", "volume media"
  bool operator==(const BackupLabel&) const = default;
};

/// NotFound: there is none. Invalid: damaged, or a dump is missing or has another size.
Result<BackupLabel> read_label(const std::filesystem::path& folder);
Result<void> write_label(const std::filesystem::path& folder, const BackupLabel& label);

}  // namespace ecluse::backup
