#pragma once
// ports::Vcs by the git program: one bare mirror per app, in which nothing of the repository is
// ever executed. docs/builds.md says what is taken from a repository and what is not.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "artifact/git_tree.h"
#include "artifact/repository.h"
#include "base/locked.h"
#include "ports/vcs.h"

namespace ecluse::artifact {

struct GitBounds {
  std::chrono::milliseconds fetch_timeout = std::chrono::minutes(10);
  std::uint64_t pack_bytes_max = 4ULL << 30;      ///< of one fetch
  std::uint64_t checkout_bytes_max = 4ULL << 30;  ///< of one tree, submodules included
  std::size_t checkout_files_max = 500'000;
  int submodule_depth_max = 8;
};

class GitVcs final : public ports::Vcs {
 public:
  /// Mirrors live under `data_folder`/mirrors, which is made when needed.
  explicit GitVcs(const std::filesystem::path& data_folder, GitBounds bounds = {});

  Result<model::Commit> resolve(const std::string& app, const std::string& repository,
                                const std::string& ref) override;
  Result<void> checkout(const std::string& app, const std::string& sha,
                        const std::string& into) override;
  Result<std::string> read(const std::string& app, const std::string& sha, const std::string& path,
                           std::size_t bytes_max) override;

 private:
  /// One module's part of a checkout: where its objects are, and where it goes in the tree.
  struct Module {
    std::filesystem::path mirror;
    Repository origin;
    std::string sha;
    std::string prefix;  ///< "" or "libs/x/"
    int depth = 0;
  };
  struct Plan {
    std::vector<Module> modules;
    Links links;
    std::uint64_t bytes = 0;
    std::size_t files = 0;
  };

  std::filesystem::path mirror_of(const std::string& app) const;
  std::shared_ptr<std::mutex> lock_of(const std::filesystem::path& mirror);
  Result<void> open_mirror(const std::filesystem::path& mirror, const Repository& origin) const;
  Result<void> fetch(const std::filesystem::path& mirror, const Repository& origin,
                     const std::vector<std::string>& refspecs) const;
  Result<void> fetch_all(const std::filesystem::path& mirror, const Repository& origin) const;
  Result<std::string> find(const std::filesystem::path& mirror, const Repository& origin,
                           const std::string& ref) const;
  Result<void> plan(Module module, Plan& plan);
  Result<void> plan_submodules(const Module& module, const std::vector<TreeEntry>& entries,
                               Plan& plan);
  Result<std::filesystem::path> fetch_submodule(const Repository& origin, const std::string& sha);

  std::filesystem::path mirrors_;
  GitBounds bounds_;
  Locked<std::map<std::filesystem::path, std::shared_ptr<std::mutex>>> locks_;
};

}  // namespace ecluse::artifact
