#pragma once
// ports::Builder on this machine: a clean checkout, built at /app in a sandbox, kept as an
// immutable tree named by the digest of its content. docs/builds.md is its manual.

#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "artifact/sandbox.h"
#include "artifact/shelf.h"
#include "artifact/workshop.h"
#include "ports/builder.h"
#include "ports/vcs.h"

namespace ecluse::artifact {

struct BuilderOptions {
  std::uint32_t build_uid = 58900;  ///< owns nothing outside a build; needs no account
  SandboxBounds bounds;
  std::chrono::milliseconds step_timeout = std::chrono::minutes(30);
  std::size_t layers_kept_max = 3;                ///< per app, by reclaim()
  std::uint64_t download_bytes_max = 2ULL << 30;  ///< per app, by reclaim()
  /// How long reclaim() spares what build() has returned: until then its release is recorded.
  std::chrono::seconds pinning_max = std::chrono::minutes(10);
};

class ArtifactBuilder final : public ports::Builder {
 public:
  /// Artifacts live under `data_folder`/artifacts, caches under `data_folder`/cache. `vcs` must
  /// outlive this.
  ArtifactBuilder(std::filesystem::path data_folder, ports::Vcs& vcs, BuilderOptions options = {});

  /// What builds left when we were killed: folders that nobody holds, control groups and whatever
  /// runs in them. Once, before the first build. Returns the bytes freed.
  Result<std::uint64_t> clear_left_behind();

  Result<model::Artifact> build(const ports::BuildRequest& request,
                                const ports::LineSink& sink) override;
  Result<ports::CheckOutcome> check(const ports::CheckRequest& request,
                                    const ports::LineSink& sink) override;
  Result<std::string> path_of(const std::string& digest) override;
  Result<std::vector<model::Artifact>> list() override;
  Result<std::uint64_t> reclaim(const std::set<std::string>& pinned, bool dry_run) override;

 private:
  Workshop workshop_for(const Draft& draft, const model::Commit& commit, const std::string& app,
                        const ports::LineSink& sink) const;
  Result<model::Artifact> build_in(Draft& draft, const ports::BuildRequest& request,
                                   const ports::LineSink& sink);

  std::optional<model::Artifact> reuse(const std::string& inputs);
  void hand_out(const std::string& digest);
  Result<std::uint64_t> reclaim_caches(bool dry_run) const;

  std::filesystem::path data_;
  ports::Vcs& vcs_;
  BuilderOptions options_;
  Shelf shelf_;
  std::mutex shelf_changes_;  ///< publishing, reusing and reclaiming exclude each other
  /// When each digest was returned last; nobody but its caller may know it yet.
  std::map<std::string, std::chrono::steady_clock::time_point> handed_out_;
};

}  // namespace ecluse::artifact
