#pragma once
// Whose lock file an app of Node has: the package manager that keeps to it.

#include <filesystem>
#include <string>
#include <vector>

namespace ecluse::artifact {

struct NodeManager {
  std::string name = "npm";
  std::string version;  ///< of the one that ecluse installs for all apps; empty: the machine's own
  std::string lock_file;  ///< empty: there is none that can be kept to
};

/// By the lock file in `folder`, npm's before the others'. One of Yarn 2 or later is none: what it
/// installs needs Yarn when the app runs.
NodeManager manager_of(const std::filesystem::path& folder);

/// Its arguments for installing the dependencies: `exactly` what the lock file says or nothing, the
/// development packages with them or without. What it downloads is kept below `cache`.
std::vector<std::string> install_arguments(const NodeManager& manager, bool exactly,
                                           bool development, const std::string& cache);

}  // namespace ecluse::artifact
