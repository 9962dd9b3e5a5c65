#pragma once
// Which app and environment a command is about: what was said, else the ecluse.yml around the
// person, else the only one there is.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/session.h"

namespace ecluse::cli {

/// The ecluse.yml of the repository that the person stands in.
struct Project {
  std::filesystem::path root;
  std::string app;
  std::vector<std::string> environments;  ///< in the order of the file
};

/// The folder with ecluse.yml, from `folder` upwards; NotFound says how to name an app instead.
Result<std::filesystem::path> project_root(const std::filesystem::path& folder);
/// Reads and checks its ecluse.yml; Invalid holds every finding, with lines and carets.
Result<Project> read_project(const std::filesystem::path& folder);

/// `--app` may hold APP/ENVIRONMENT, and so may `--to`. `positional`, if not empty, is one of the
/// two forms as well.
Result<model::EnvironmentKey> resolve_environment(const Session& session, const Common& common,
                                                  control::Operations& operations,
                                                  const std::string& positional = {});
/// The app alone; empty when none was named and none is around.
Result<std::string> resolve_app(const Session& session, const Common& common);

}  // namespace ecluse::cli
