#pragma once
// A folder on disk as an artifact sees it: kinds, one executable bit, links, content. Owners, other
// permission bits and times are not part of it; settle() makes them all alike. docs/builds.md
// describes the digest.

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace ecluse::artifact {

struct TreeDigest {
  std::string hex;  ///< 64 digits
  std::uint64_t bytes = 0;
  bool operator==(const TreeDigest&) const = default;
};

/// SHA-256 over every entry below `tree` in the order of their paths' bytes. A socket, pipe or
/// device is Invalid and is named.
Result<TreeDigest> digest_of(const std::filesystem::path& tree);

/// Everything below and including `tree` belongs to us, is 0755 or 0644 and dates from `time`. What
/// is ours already (a hard link into a shared layer) is left alone when we are root.
Result<void> settle(const std::filesystem::path& tree, WallTime time);

/// Everything below and including `tree` belongs to `uid`, links themselves included.
Result<void> give_to(const std::filesystem::path& tree, std::uint32_t uid);
/// The same of folders alone: files may be added there, and those that are shared stay ours.
Result<void> give_folders_to(const std::filesystem::path& tree, std::uint32_t uid);

enum class Sharing { kHardLinks, kCopies };

/// A second tree at `to` (which must not exist). With kHardLinks its files are the same inodes
/// (copied where the file system cannot), its folders and links are new and belong to `folder_uid`.
Result<void> clone_tree(const std::filesystem::path& from, const std::filesystem::path& to,
                        Sharing sharing, std::uint32_t folder_uid);

/// Bytes that removing it would free: files with another name elsewhere (a layer) do not count. 0
/// when it does not exist.
std::uint64_t bytes_below(const std::filesystem::path& tree);

/// Removes every __pycache__ folder below.
Result<void> remove_bytecode(const std::filesystem::path& tree);

/// Removes it whole, read-only folders too.
Result<void> remove_tree(const std::filesystem::path& tree);

/// All that was written below is on the disk, not only in memory.
Result<void> sync_tree(const std::filesystem::path& tree);

}  // namespace ecluse::artifact
