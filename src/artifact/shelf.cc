#include "artifact/shelf.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>

#include "artifact/sandbox.h"
#include "artifact/tree.h"
#include "base/log.h"
#include "base/text.h"
#include "os/file.h"

namespace ecluse::artifact {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {
constexpr std::string_view kDraftPrefix = ".building-";
constexpr std::string_view kPlacePrefix = "place-";
constexpr std::string_view kRemovedPrefix = ".removing-";
constexpr std::string_view kDigestPrefix = "sha256:";
constexpr std::size_t kLabelBytesMax = 1 << 16;
std::atomic<unsigned> drafts_started{0};

bool is_hex64(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<std::string> hex_of(std::string_view digest) {
  if (digest.starts_with(kDigestPrefix) && is_hex64(digest.substr(kDigestPrefix.size()))) {
    return std::string(digest.substr(kDigestPrefix.size()));
  }
  return fail(ErrorKind::kInvalid,
              fmt::format("{} is not an artifact's digest", printable(digest)));
}

json json_of(const model::Artifact& artifact) {
  return {{"label", "ecluse"},         {"format", 1},
          {"digest", artifact.digest}, {"app", artifact.app},
          {"commit", artifact.commit}, {"environment", artifact.environment},
          {"bytes", artifact.bytes},   {"built_at_ms", artifact.built_at.ms_since_epoch}};
}

/// Nothing when the file is absent or is not a label of ours.
std::optional<model::Artifact> read_label(const fs::path& file) {
  const auto text = os::read_file(file, kLabelBytesMax);
  if (!text) return std::nullopt;
  const json label = json::parse(*text, nullptr, false);
  if (!label.is_object() || label.value("label", "") != "ecluse") return std::nullopt;
  try {
    return model::Artifact{.digest = label.at("digest"),
                           .app = label.at("app"),
                           .commit = label.at("commit"),
                           .environment = label.at("environment"),
                           .bytes = label.at("bytes"),
                           .built_at = WallTime{label.at("built_at_ms")}};
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

std::optional<model::Artifact> read_complete(const fs::path& folder) {
  auto artifact = read_label(folder / "label.json");
  const bool complete =
      artifact && fs::is_directory(folder / "tree") &&
      artifact->digest == fmt::format("{}{}", kDigestPrefix, folder.filename().string());
  return complete ? artifact : std::nullopt;
}

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->is_directory()) found.push_back(at->path());
  }
  return found;
}

/// Of a kind that no other builder of this or another process has.
std::string name_of_next_draft() {
  const auto number = drafts_started.fetch_add(1);
  if (is_private()) return fmt::format("{}{}-{}", kDraftPrefix, ::getpid(), number);
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return fmt::format("{}{:x}-{}-{}", kPlacePrefix, now, ::getpid(), number);
}
}  // namespace

Draft::Draft(fs::path folder, os::Fd lock) : folder_(std::move(folder)), lock_(std::move(lock)) {}

Draft::~Draft() {
  if (!lock_ || stays_) return;
  if (auto removed = remove_tree(folder_); !removed) {
    log_warn("a finished build left {}: {}", folder_.string(), removed.error().message);
  }
}

Shelf::Shelf(fs::path data_folder)
    : artifacts_(data_folder / "artifacts"), inputs_(data_folder / "cache" / "inputs") {}

Result<Draft> Shelf::start_draft() const {
  ECLUSE_TRY(os::make_folder(artifacts_));
  const fs::path folder = artifacts_ / name_of_next_draft();
  ECLUSE_TRY(remove_tree(folder));  // of a dead process that had our number
  ECLUSE_TRY(os::make_folder(folder, 0700));
  ECLUSE_ASSIGN(os::Fd lock, os::lock_file(folder / "lock"));
  Draft draft(folder, std::move(lock));
  ECLUSE_TRY(os::make_folder(draft.tree()));
  ECLUSE_TRY(os::make_folder(draft.tmp()));
  return draft;
}

Result<void> Shelf::move_in(const Draft& draft, const fs::path& place,
                            const std::string& label) const {
  const fs::path whole = draft.folder() / "whole";
  ECLUSE_TRY(os::make_folder(whole));
  if (::rename(draft.tree().c_str(), (whole / "tree").c_str()) != 0) {
    return fail(from_errno(errno, "moving the built tree"));
  }
  ECLUSE_TRY(sync_tree(whole));
  ECLUSE_TRY(os::replace_file(whole / "label.json", label));
  if (::rename(whole.c_str(), place.c_str()) != 0) {
    return fail(from_errno(errno, fmt::format("moving the artifact to {}", place.string())));
  }
  return sync_tree(artifacts_);
}

Result<void> Shelf::link_in(Draft& draft, const fs::path& place, const std::string& label) const {
  ECLUSE_TRY(remove_tree(draft.tmp()));
  ECLUSE_TRY(sync_tree(draft.folder()));
  ECLUSE_TRY(os::replace_file(draft.folder() / "label.json", label));
  if (::symlink(draft.folder().filename().c_str(), place.c_str()) != 0) {
    return fail(from_errno(errno, fmt::format("linking the artifact to {}", place.string())));
  }
  draft.stay();
  return sync_tree(artifacts_);
}

Result<void> Shelf::publish(Draft& draft, const model::Artifact& artifact,
                            const std::string& inputs) const {
  ECLUSE_ASSIGN(const std::string hex, hex_of(artifact.digest));
  const fs::path place = artifacts_ / hex;
  if (!read_complete(place)) {
    json label = json_of(artifact);
    label["inputs"] = inputs;
    const std::string text = label.dump(2) + "\n";
    ECLUSE_TRY(is_private() ? move_in(draft, place, text) : link_in(draft, place, text));
  }
  return remember(inputs, artifact);
}

Result<void> Shelf::remember(const std::string& inputs, const model::Artifact& artifact) const {
  ECLUSE_TRY(os::make_folder(inputs_));
  return os::replace_file(inputs_ / inputs, json_of(artifact).dump() + "\n");
}

std::optional<model::Artifact> Shelf::built_from(const std::string& inputs) const {
  auto artifact = read_label(inputs_ / inputs);
  if (!artifact || !path_of(artifact->digest)) return std::nullopt;
  return artifact;
}

Result<std::string> Shelf::path_of(const std::string& digest) const {
  ECLUSE_ASSIGN(const std::string hex, hex_of(digest));
  const fs::path place = artifacts_ / hex;
  // Canonical: the path that a tree built in place holds.
  if (read_complete(place)) return fs::canonical(place / "tree").string();
  return fail(ErrorKind::kNotFound, fmt::format("no artifact {}", digest),
              "it was reclaimed; deploy its commit again to build it");
}

Result<std::vector<model::Artifact>> Shelf::list() const {
  std::vector<model::Artifact> artifacts;
  for (const fs::path& folder : folders_in(artifacts_)) {
    if (auto artifact = read_complete(folder)) artifacts.push_back(std::move(*artifact));
  }
  return artifacts;
}

namespace {
/// Whether one of the digests is a link to this place.
bool is_linked(const fs::path& place) {
  std::error_code error;
  for (const fs::path& folder : folders_in(place.parent_path())) {
    if (fs::is_symlink(folder) && fs::read_symlink(folder, error) == place.filename()) return true;
  }
  return false;
}

/// A folder of ours that nobody works on any more.
bool is_left_behind(const fs::path& folder) {
  const std::string name = folder.filename().string();
  if (name.starts_with(kRemovedPrefix)) return true;
  const bool draft =
      name.starts_with(kDraftPrefix) || (name.starts_with(kPlacePrefix) && !is_linked(folder));
  return draft && os::lock_file(folder / "lock").has_value();
}

/// The link first: a place without one is nobody's.
Result<std::uint64_t> remove_linked(const fs::path& link, bool dry_run) {
  std::error_code error;
  const fs::path place = fs::canonical(link, error);
  if (error) return fail(from_errno(error.value(), link.string()));
  const std::uint64_t bytes = bytes_below(place);
  if (dry_run) return bytes;
  if (::unlink(link.c_str()) != 0) return fail(from_errno(errno, link.string()));
  ECLUSE_TRY(remove_tree(place));
  return bytes;
}

Result<std::uint64_t> remove_folder(const fs::path& folder, bool dry_run) {
  if (fs::is_symlink(folder)) return remove_linked(folder, dry_run);
  const std::uint64_t bytes = bytes_below(folder);
  if (dry_run) return bytes;
  // Renamed first: a half-deleted tree must not be taken for the artifact.
  const std::string name = folder.filename().string();
  const fs::path doomed = name.starts_with(kRemovedPrefix)
                              ? folder
                              : folder.parent_path() / (std::string(kRemovedPrefix) + name);
  if (doomed != folder && ::rename(folder.c_str(), doomed.c_str()) != 0) {
    return fail(from_errno(errno, fmt::format("renaming {}", folder.string())));
  }
  ECLUSE_TRY(remove_tree(doomed));
  return bytes;
}
}  // namespace

Result<std::uint64_t> Shelf::clear_left_behind() const {
  std::uint64_t freed = 0;
  for (const fs::path& folder : folders_in(artifacts_)) {
    if (!is_left_behind(folder)) continue;
    ECLUSE_ASSIGN(const std::uint64_t bytes, remove_folder(folder, false));
    freed += bytes;
  }
  return freed;
}

Result<std::uint64_t> Shelf::reclaim(const std::set<std::string>& pinned, bool dry_run) const {
  std::uint64_t freed = 0;
  for (const fs::path& folder : folders_in(artifacts_)) {
    const auto artifact = read_complete(folder);
    const bool unwanted = artifact ? !pinned.contains(artifact->digest) : is_left_behind(folder);
    if (!unwanted) continue;
    ECLUSE_ASSIGN(const std::uint64_t bytes, remove_folder(folder, dry_run));
    freed += bytes;
  }
  return freed;
}

}  // namespace ecluse::artifact
