#pragma once
// From a commit to an artifact, and the artifacts we keep.

#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/release.h"
#include "ports/runtime.h"

namespace ecluse::ports {

struct BuildRequest {
  model::Commit commit;
  model::EnvironmentSpec spec;                 ///< build, processes (their roots and builds)
  std::map<std::string, std::string> inlined;  ///< values of per_environment variables; else empty
};

struct CheckRequest {
  model::Commit commit;
  model::EnvironmentSpec spec;
  std::size_t index = 0;  ///< which of spec.checks
};
struct CheckOutcome {
  int exit_code = 0;
  std::optional<double> coverage;  ///< as the output reported it
  std::string last_lines;
};

/// Thread-safe, blocking for as long as builds take; `sink` gets each output line from this thread.
class Builder {
 public:
  virtual ~Builder() = default;
  /// Builds, or returns the artifact already built from the same inputs. What a crash leaves half
  /// done is never taken for an artifact.
  virtual Result<model::Artifact> build(const BuildRequest& request, const LineSink& sink) = 0;
  /// Runs one check in a clean checkout of the commit with the build's dependencies.
  virtual Result<CheckOutcome> check(const CheckRequest& request, const LineSink& sink) = 0;
  /// The tree of an artifact, verified to be complete; NotFound when it was deleted.
  virtual Result<std::string> path_of(const std::string& digest) = 0;
  virtual Result<std::vector<model::Artifact>> list() = 0;
  /// Deletes artifacts and caches of ours (they carry our label) that are not in `pinned`; returns
  /// the bytes freed. With `dry_run` only counts.
  virtual Result<std::uint64_t> reclaim(const std::set<std::string>& pinned, bool dry_run) = 0;
};

}  // namespace ecluse::ports
