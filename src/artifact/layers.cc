#include "artifact/layers.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "artifact/sandbox.h"
#include "artifact/tree.h"
#include "os/file.h"

namespace ecluse::artifact {

namespace fs = std::filesystem;

namespace {
std::atomic<unsigned> layers_made{0};
constexpr std::string_view kLabel = "{\"label\": \"ecluse\", \"kind\": \"layer\"}\n";

bool is_complete(const fs::path& layer) {
  const auto label = os::read_file(layer / "label.json", 4096);
  return label && *label == kLabel && fs::is_directory(layer / "tree");
}

/// Hard links need an owner that the build's user is not.
Sharing sharing() {
  return is_private() ? Sharing::kHardLinks : Sharing::kCopies;
}
}  // namespace

Layers::Layers(const fs::path& cache, std::uint32_t build_uid)
    : folder_(cache / "layers"), build_uid_(build_uid) {}

Result<bool> Layers::lay(const std::string& key, const fs::path& to) const {
  const fs::path layer = folder_ / key;
  if (!is_complete(layer)) return false;
  ECLUSE_TRY(clone_tree(layer / "tree", to, sharing(), build_uid_));
  // Its date says when it was last of use.
  std::error_code ignored;
  fs::last_write_time(layer / "label.json", fs::file_time_type::clock::now(), ignored);
  return true;
}

Result<void> Layers::keep(const std::string& key, const fs::path& from, WallTime time) const {
  ECLUSE_TRY(os::make_folder(folder_, 0700));
  const fs::path draft =
      folder_ / fmt::format(".making-{}-{}", ::getpid(), layers_made.fetch_add(1));
  ECLUSE_TRY(remove_tree(draft));
  ECLUSE_TRY(os::make_folder(draft));
  ECLUSE_TRY(settle(from, time));
  ECLUSE_TRY(clone_tree(from, draft / "tree", sharing(), 0));
  ECLUSE_TRY(settle(draft / "tree", time));
  // As lay() leaves it: commands after the installation make folders there (node_modules/.cache).
  ECLUSE_TRY(give_folders_to(from, build_uid_));
  ECLUSE_TRY(sync_tree(draft));
  ECLUSE_TRY(os::replace_file(draft / "label.json", kLabel));
  // Somebody may have made the same layer meanwhile; then ours goes.
  if (::rename(draft.c_str(), (folder_ / key).c_str()) != 0) ECLUSE_TRY(remove_tree(draft));
  return {};
}

namespace {
std::vector<fs::path> by_last_use(const fs::path& folder) {
  std::vector<std::pair<fs::file_time_type, fs::path>> dated;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code missing;
    const auto used = fs::last_write_time(at->path() / "label.json", missing);
    dated.emplace_back(missing ? fs::file_time_type::min() : used, at->path());
  }
  std::sort(dated.rbegin(), dated.rend());
  std::vector<fs::path> paths;
  for (auto& [used, path] : dated) paths.push_back(std::move(path));
  return paths;
}
}  // namespace

Result<std::uint64_t> Layers::reclaim(std::size_t keep_max, bool dry_run) const {
  auto layers = by_last_use(folder_);
  layers.erase(layers.begin(),
               layers.begin() + static_cast<long>(std::min(keep_max, layers.size())));
  std::uint64_t freed = 0;
  for (const fs::path& layer : layers) {
    freed += bytes_below(layer);
    if (!dry_run) ECLUSE_TRY(remove_tree(layer));
  }
  return freed;
}

}  // namespace ecluse::artifact
