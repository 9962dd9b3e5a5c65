#pragma once
// Reads a folder into facts: one bounded pass. Symbolic links are never followed, devices and pipes
// never opened, folders of other people's code counted but not read.

#include <filesystem>

#include "base/result.h"
#include "preflight/facts/repository.h"

namespace ecluse::preflight {

constexpr std::size_t kFilesMax = 200'000;
constexpr int kFolderDepthMax = 64;

/// Blocking. Fails only when `root` is no folder that can be read; what is unreadable below it
/// becomes an obstacle. Where git knows the folder, only what is committed or would be (untracked
/// and not ignored) is a file; elsewhere everything is.
Result<Repository> read_repository(const std::filesystem::path& root);

}  // namespace ecluse::preflight
