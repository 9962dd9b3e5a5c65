#pragma once
// Whose lock file an app of Node has: the package manager that keeps to it.

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ecluse::artifact {

struct NodeManager {
  std::string name = "npm";
  std::string version;  ///< of the one that ecluse installs for all apps; empty: the machine's own
  std::string lock_file;  ///< empty: there is none that can be kept to

  /// Yarn 2 or later.
  bool berry() const { return name == "yarn" && !version.empty() && !version.starts_with("1."); }
  /// The package of the registry that brings it: "pnpm@9.15.9".
  std::string package() const;
};

/// By the lock file in `folder`; of several that of `wanted`, which is what package.json says of
/// its packageManager ("yarn@4.1.0"), else npm's before the others'.
NodeManager manager_of(const std::filesystem::path& folder, std::string_view wanted = {});

/// What Yarn 2 and later must be told by their environment: packages into node_modules, where Node
/// finds them without Yarn, and downloads below `cache`; no other Yarn of the repository's.
std::map<std::string, std::string> berry_settings(const std::string& cache);

/// Its arguments for installing the dependencies: `exactly` what the lock file says or nothing, the
/// development packages with them or without (Yarn 2 and later always bring them). What it
/// downloads is kept below `cache`.
std::vector<std::string> install_arguments(const NodeManager& manager, bool exactly,
                                           bool development, const std::string& cache);

}  // namespace ecluse::artifact
