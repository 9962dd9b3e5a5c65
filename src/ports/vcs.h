#pragma once
#include <string>

#include "base/result.h"
#include "model/release.h"

namespace ecluse::ports {

/// A version control system, git today. Thread-safe, blocking. The repository is untrusted: nothing
/// of it is executed (no hooks, no filters, no submodule commands beyond what `checkout` says).
class Vcs {
 public:
  virtual ~Vcs() = default;
  /// Brings `ref` (branch, tag, SHA) of `repository` (path or URL) into our mirror of the app.
  /// NotFound names the nearest refs.
  virtual Result<model::Commit> resolve(const std::string& app, const std::string& repository,
                                        const std::string& ref) = 0;
  /// A clean tree of exactly `sha` in the empty folder `into`; submodules at their pinned commits.
  /// A symbolic link that leaves the tree is Invalid and is named.
  virtual Result<void> checkout(const std::string& app, const std::string& sha,
                                const std::string& into) = 0;
  /// One file of a commit, at most `bytes_max`; NotFound when it has none.
  virtual Result<std::string> read(const std::string& app, const std::string& sha,
                                   const std::string& path, std::size_t bytes_max) = 0;
};

}  // namespace ecluse::ports
