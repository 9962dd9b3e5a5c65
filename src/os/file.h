#pragma once
// Files as ecluse uses them: read whole within a bound, replaced whole or not at all.

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/fd.h"

namespace ecluse::os {

/// The whole file, at most `bytes_max`; a longer one is Exhausted.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max);

/// What is at `path`, links followed. Never throws, as std::filesystem::exists() does of a link to
/// itself: what cannot be looked at is not there.
bool is_there(const std::filesystem::path& path);
bool is_folder(const std::filesystem::path& path);
bool is_plain_file(const std::filesystem::path& path);

/// Writes a sibling, fsyncs it, renames it over `path` and fsyncs the folder: after a crash the
/// file holds either the old bytes or the new ones.
Result<void> replace_file(const std::filesystem::path& path, std::string_view bytes,
                          unsigned mode = 0644);

/// An exclusive advisory lock (flock) on `path`, created with 0600, held while the Fd lives.
/// Conflict when somebody else holds it.
Result<Fd> lock_file(const std::filesystem::path& path);

/// mkdir -p with `mode` for the last folder.
Result<void> make_folder(const std::filesystem::path& path, unsigned mode = 0755);

}  // namespace ecluse::os
