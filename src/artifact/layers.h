#pragma once
// Installed dependencies, kept by what they were made from (lock file, interpreter), so that a
// change of code alone does not install anything again: cache/APP/layers/<key>/{tree,label.json}.
// A layer belongs to root and is shared by hard links: the build's user cannot write into it.

#include <filesystem>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace ecluse::artifact {

class Layers {
 public:
  /// `cache` is the app's cache folder.
  Layers(const std::filesystem::path& cache, std::uint32_t build_uid);

  /// Puts the layer at `to` (which must not exist); false when there is none of that key.
  Result<bool> lay(const std::string& key, const std::filesystem::path& to) const;
  /// Keeps `from` under `key`; what it holds is settled and shared from then on.
  Result<void> keep(const std::string& key, const std::filesystem::path& from, WallTime time) const;

  /// Removes all but the `keep_max` layers used last, and what a crash left; bytes freed.
  Result<std::uint64_t> reclaim(std::size_t keep_max, bool dry_run) const;

 private:
  std::filesystem::path folder_;
  std::uint32_t build_uid_;
};

}  // namespace ecluse::artifact
