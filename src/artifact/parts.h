#pragma once
// What of a repository is built: the app itself, and processes that have a folder and a build of
// their own. Detection reads the tree and names its evidence.

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/spec.h"

namespace ecluse::artifact {

struct Part {
  std::string root;  ///< folder of the repository; empty: its top
  model::BuildSpec build;
  std::string evidence;  ///< why this kind of build: "requirements.txt"
  bool operator==(const Part&) const = default;
};

/// The kind of build that the files of `folder` ask for; `build` unchanged when it names one.
Part detect(const std::filesystem::path& tree, const std::string& root,
            const model::BuildSpec& build);

/// Each different (root, build) once, the app's own first. Invalid: a root that the tree lacks.
/// Refused: a kind that ecluse does not build yet.
Result<std::vector<Part>> parts_of(const std::filesystem::path& tree,
                                   const model::EnvironmentSpec& spec);

std::string_view to_string(model::BuildKind kind);

}  // namespace ecluse::artifact
