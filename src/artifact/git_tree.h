#pragma once
// What a commit holds, read from a bare repository without touching a disk outside it.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/links.h"
#include "base/result.h"

namespace ecluse::artifact {

enum class EntryKind { kFile, kLink, kSubmodule };

struct TreeEntry {
  EntryKind kind = EntryKind::kFile;
  std::string object;  ///< blob of a file or link, commit of a submodule
  std::uint64_t bytes = 0;
  std::string path;  ///< bytes as git holds them
  bool operator==(const TreeEntry&) const = default;
};

/// Output of `git ls-tree -r -l -z`. Invalid when it is not that.
Result<std::vector<TreeEntry>> parse_tree(std::string_view listing);

/// Every file, link and submodule of `sha`, in git's order.
Result<std::vector<TreeEntry>> list_tree(const std::filesystem::path& git_folder,
                                         const std::string& sha);

/// Targets of the links among `entries`.
Result<Links> read_links(const std::filesystem::path& git_folder,
                         const std::vector<TreeEntry>& entries);

/// The content of one blob, at most `bytes_max`.
Result<std::string> read_blob(const std::filesystem::path& git_folder, const std::string& object,
                              std::uint64_t bytes_max);

}  // namespace ecluse::artifact
