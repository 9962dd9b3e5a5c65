#pragma once
// Reads a folder into facts: one bounded pass. Symbolic links are never followed, devices and pipes
// never opened, folders of other people's code counted but not read.

#include <chrono>
#include <filesystem>

#include "base/result.h"
#include "preflight/facts/repository.h"
#include "preflight/tree/fact_store.h"

namespace ecluse::preflight {

constexpr std::size_t kFilesMax = 200'000;
constexpr int kFolderDepthMax = 64;
constexpr std::chrono::seconds kGitTime{5};  ///< for a list of what is committed

/// Blocking. Fails only when `root` is no folder that can be read; what is unreadable below it
/// becomes an obstacle. Where git knows the folder, only what is committed or would be (untracked
/// and not ignored) is a file; elsewhere everything is, and where git ought to know and cannot say
/// within `git_time`, an obstacle tells so. What `store` knows of a source file is taken from it,
/// and it is given what the others say; its owner saves it.
Result<Repository> read_repository(const std::filesystem::path& root, FactStore* store = nullptr,
                                   std::chrono::milliseconds git_time = kGitTime);

}  // namespace ecluse::preflight
