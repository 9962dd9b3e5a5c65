#pragma once
// The artifacts we keep: artifacts/<hex>/{tree,label.json}. A folder appears there whole, by one
// rename, when its content is on disk; builds under way are in folders of other names, each locked
// by its builder, so that what a crash left behind is told from what somebody works on.
// Without root a tree holds the path it was built at: it stays there, in artifacts/place-*, and its
// digest is a link to it.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/release.h"
#include "os/fd.h"

namespace ecluse::artifact {

/// A build under way: `tree` and `tmp` are empty folders; all of it is removed when this ends,
/// unless it was told to stay.
class Draft {
 public:
  Draft(std::filesystem::path folder, os::Fd lock);
  ~Draft();
  Draft(Draft&&) = default;
  Draft& operator=(Draft&&) = delete;

  void stay() { stays_ = true; }

  std::filesystem::path tree() const { return folder_ / "tree"; }
  std::filesystem::path tmp() const { return folder_ / "tmp"; }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
  os::Fd lock_;
  bool stays_ = false;
};

class Shelf {
 public:
  explicit Shelf(std::filesystem::path data_folder);

  Result<Draft> start_draft() const;
  /// Puts the draft's tree on the shelf under `artifact.digest`, or finds it there already.
  Result<void> publish(Draft& draft, const model::Artifact& artifact,
                       const std::string& inputs) const;

  /// The artifact that these inputs gave, while it is still on the shelf.
  std::optional<model::Artifact> built_from(const std::string& inputs) const;
  Result<void> remember(const std::string& inputs, const model::Artifact& artifact) const;

  Result<std::string> path_of(const std::string& digest) const;
  Result<std::vector<model::Artifact>> list() const;
  /// Removes what dead builds left; the bytes freed.
  Result<std::uint64_t> clear_left_behind() const;
  /// Artifacts not in `pinned`, and what dead builds left; the bytes freed.
  Result<std::uint64_t> reclaim(const std::set<std::string>& pinned, bool dry_run) const;

 private:
  Result<void> move_in(const Draft& draft, const std::filesystem::path& place,
                       const std::string& label) const;
  Result<void> link_in(Draft& draft, const std::filesystem::path& place,
                       const std::string& label) const;

  std::filesystem::path artifacts_;
  std::filesystem::path inputs_;
};

}  // namespace ecluse::artifact
