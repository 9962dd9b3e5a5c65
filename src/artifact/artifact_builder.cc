#include "artifact/artifact_builder.h"

#include <fmt/format.h>

#include <chrono>

#include "artifact/cage.h"
#include "artifact/coverage.h"
#include "artifact/parts.h"
#include "artifact/recipes.h"
#include "artifact/sha256.h"
#include "artifact/tree.h"
#include "base/text.h"

namespace ecluse::artifact {

namespace fs = std::filesystem;

namespace {
constexpr std::string_view kInputsFormat = "ecluse-inputs-1";

WallTime now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
}

/// Everything that may change what is built, and nothing else.
Result<std::string> inputs_key(const std::string& app, const TreeDigest& source,
                               const std::vector<Part>& parts,
                               const std::map<std::string, std::string>& inlined) {
  Sha256 key;
  key.add_field(kInputsFormat).add_field(app).add_field(source.hex);
  key.add_field(is_private() ? "/app" : "in place");
  for (const Part& part : parts) {
    ECLUSE_ASSIGN(const std::string tools, tools_of(part));
    key.add_field(part.root).add_field(to_string(part.build.kind)).add_field(part.build.source);
    key.add_field(part.build.version).add_field(tools).add_field(join(part.build.run, "\n"));
  }
  for (const auto& [name, value] : inlined) key.add_field(name).add_field(value);
  return key.hex();
}

std::string context_of(std::string_view what, const std::string& app, const std::string& sha) {
  return fmt::format("{} of {}@{}", what, app, sha.substr(0, 12));
}
}  // namespace

ArtifactBuilder::ArtifactBuilder(fs::path data_folder, ports::Vcs& vcs, BuilderOptions options)
    : data_(fs::absolute(data_folder)), vcs_(vcs), options_(options), shelf_(data_) {}

Result<std::uint64_t> ArtifactBuilder::clear_left_behind() {
  ECLUSE_TRY(clear_dead_cages());
  const std::lock_guard guard(shelf_changes_);
  return shelf_.clear_left_behind();
}

Workshop ArtifactBuilder::workshop_for(const Draft& draft, const model::Commit& commit,
                                       const std::string& app, const ports::LineSink& sink) const {
  return Workshop({.tree = draft.tree(),
                   .tmp = draft.tmp(),
                   .cache = data_ / "cache" / app,
                   .tools = data_ / "cache" / "tools",
                   .data = data_,
                   .uid = options_.build_uid,
                   .time = commit.at,
                   .bounds = options_.bounds,
                   .timeout = options_.step_timeout},
                  sink);
}

Result<model::Artifact> ArtifactBuilder::build_in(Draft& draft, const ports::BuildRequest& request,
                                                  const ports::LineSink& sink) {
  const auto& [commit, spec, inlined] = request;
  ECLUSE_TRY(vcs_.checkout(spec.app, commit.sha, draft.tree().string()));
  ECLUSE_ASSIGN(const TreeDigest source, digest_of(draft.tree()));
  ECLUSE_ASSIGN(const auto parts, parts_of(draft.tree(), spec));
  ECLUSE_ASSIGN(const std::string inputs, inputs_key(spec.app, source, parts, inlined));
  model::Artifact artifact{
      .app = spec.app, .commit = commit.sha, .environment = inlined.empty() ? "" : spec.name};
  if (const auto built = reuse(inputs)) {
    sink(fmt::format("unchanged since {}: reusing {}", built->commit.substr(0, 12), built->digest));
    artifact.digest = built->digest;
    artifact.bytes = built->bytes;
    artifact.built_at = built->built_at;
    return artifact;
  }

  Workshop workshop = workshop_for(draft, commit, spec.app, sink);
  for (const auto& [name, value] : inlined) workshop.env()[name] = value;
  ECLUSE_TRY(workshop.open());
  for (const Part& part : parts) ECLUSE_TRY(build_part(workshop, part, Purpose::kRelease));
  ECLUSE_TRY(finish_tree(workshop, parts));
  ECLUSE_TRY(settle(draft.tree(), commit.at));
  ECLUSE_ASSIGN(const TreeDigest digest, digest_of(draft.tree()));
  artifact.digest = "sha256:" + digest.hex;
  artifact.bytes = digest.bytes;
  artifact.built_at = now();
  const std::lock_guard guard(shelf_changes_);
  ECLUSE_TRY(shelf_.publish(draft, artifact, inputs));
  hand_out(artifact.digest);
  sink(fmt::format("built {} ({} MiB)", artifact.digest, artifact.bytes >> 20));
  return artifact;
}

std::optional<model::Artifact> ArtifactBuilder::reuse(const std::string& inputs) {
  const std::lock_guard guard(shelf_changes_);
  auto built = shelf_.built_from(inputs);
  if (built) hand_out(built->digest);
  return built;
}

void ArtifactBuilder::hand_out(const std::string& digest) {
  handed_out_[digest] = std::chrono::steady_clock::now();
}

Result<model::Artifact> ArtifactBuilder::build(const ports::BuildRequest& request,
                                               const ports::LineSink& sink) {
  ECLUSE_ASSIGN(Draft draft, shelf_.start_draft());
  auto artifact = build_in(draft, request, sink);
  if (artifact) return artifact;
  return fail(in_context(context_of("build", request.spec.app, request.commit.sha),
                         std::move(artifact).error()));
}

Result<ports::CheckOutcome> ArtifactBuilder::check(const ports::CheckRequest& request,
                                                   const ports::LineSink& sink) {
  const auto& [commit, spec, index] = request;
  if (index >= spec.checks.size()) {
    return fail(ErrorKind::kInternal, fmt::format("{} has no check {}", spec.app, index));
  }
  const model::CheckSpec& check = spec.checks[index];
  ECLUSE_ASSIGN(const Draft draft, shelf_.start_draft());
  ECLUSE_TRY(vcs_.checkout(spec.app, commit.sha, draft.tree().string()));
  ECLUSE_ASSIGN(const auto parts, parts_of(draft.tree(), spec));
  CoverageReader coverage;
  Workshop workshop = workshop_for(draft, commit, spec.app, [&](std::string_view line) {
    coverage.read(line);
    sink(line);
  });
  ECLUSE_TRY(workshop.open());
  for (const Part& part : parts) ECLUSE_TRY(build_part(workshop, part, Purpose::kCheck));
  coverage = {};
  workshop.say(fmt::format("$ {}", check.run));
  ECLUSE_ASSIGN(const int code, workshop.attempt({.what = fmt::format("`{}`", check.run),
                                                  .argv = {"/bin/sh", "-c", check.run},
                                                  .env = {{"CI", "true"}},
                                                  .timeout = check.timeout}));
  return ports::CheckOutcome{
      .exit_code = code,
      .coverage = coverage.share(),
      .last_lines = fmt::format("{}", fmt::join(workshop.last_lines(), "\n"))};
}

Result<std::string> ArtifactBuilder::path_of(const std::string& digest) {
  return shelf_.path_of(digest);
}

Result<std::vector<model::Artifact>> ArtifactBuilder::list() {
  return shelf_.list();
}

Result<std::uint64_t> ArtifactBuilder::reclaim(const std::set<std::string>& pinned, bool dry_run) {
  const std::lock_guard guard(shelf_changes_);
  const auto since = std::chrono::steady_clock::now() - options_.pinning_max;
  std::erase_if(handed_out_, [&](const auto& each) { return each.second <= since; });
  std::set<std::string> spared = pinned;
  for (const auto& [digest, at] : handed_out_) spared.insert(digest);
  ECLUSE_ASSIGN(const std::uint64_t of_artifacts, shelf_.reclaim(spared, dry_run));
  ECLUSE_ASSIGN(const std::uint64_t of_caches, reclaim_caches(dry_run));
  return of_artifacts + of_caches;
}

Result<std::uint64_t> ArtifactBuilder::reclaim_caches(bool dry_run) const {
  std::uint64_t freed = 0;
  std::error_code error;
  for (fs::directory_iterator at(data_ / "cache", error), end; !error && at != end;
       at.increment(error)) {
    const Layers layers(at->path(), options_.build_uid);
    ECLUSE_ASSIGN(const std::uint64_t of_layers, layers.reclaim(options_.layers_kept_max, dry_run));
    const fs::path downloads = at->path() / "downloads";
    const std::uint64_t of_downloads = bytes_below(downloads);
    freed += of_layers;
    if (of_downloads <= options_.download_bytes_max) continue;
    freed += of_downloads;
    if (!dry_run) ECLUSE_TRY(remove_tree(downloads));
  }
  return freed;
}

}  // namespace ecluse::artifact
