#include "preflight/proposal/build_choice.h"

#include <algorithm>
#include <array>

namespace ecluse::preflight {

namespace {

constexpr std::array kRequirementNames = {"requirements.txt",      "requirements/production.txt",
                                          "requirements/prod.txt", "requirements/base.txt",
                                          "requirements-prod.txt", "requirements/requirements.txt"};

/// Where a Dockerfile installs from requirements.txt, though a lock file lies beside it.
const Instruction* installs_requirements(const Repository& repository, const std::string& root,
                                         std::string& path) {
  for (const auto& file : repository.dockerfiles) {
    if (folder_of(file.path) != root) continue;
    for (const auto& stage : file.stages)
      for (const auto& each : stage.instructions)
        if (each.name == "RUN" && each.text.find("-r requirements.txt") != std::string::npos) {
          path = file.path;
          return &each;
        }
  }
  return nullptr;
}

std::optional<BuildProposal> by_requirements(const Repository& repository,
                                             const std::string& root) {
  for (const auto* name : kRequirementNames) {
    const auto path = in_folder(root, name);
    if (repository.find(path))
      return BuildProposal{"python", {name, {path, {1, 1}, "is there"}}, {}, {}, {}};
  }
  return std::nullopt;
}

std::optional<BuildProposal> by_lock(const Repository& repository, const std::string& root,
                                     const char* lock, const char* kind) {
  const auto path = in_folder(root, lock);
  if (!repository.find(path)) return std::nullopt;
  return BuildProposal{kind, {"yes", {path, {1, 1}, "is there"}}, {}, {}, {}};
}

/// "20" of ">=20 <21", "^20.1", "20.x".
std::string major_of(std::string_view wanted) {
  const auto digit = wanted.find_first_of("0123456789");
  if (digit == std::string_view::npos) return {};
  const auto rest = wanted.substr(digit);
  return std::string(rest.substr(0, rest.find_first_not_of("0123456789")));
}

}  // namespace

std::string in_folder(std::string_view folder, std::string_view name) {
  return folder.empty() ? std::string(name) : std::string(folder) + "/" + std::string(name);
}

BuildProposal python_build(const Repository& repository, const std::string& root) {
  std::string dockerfile;
  if (const auto* run = installs_requirements(repository, root, dockerfile)) {
    if (auto made = by_requirements(repository, root)) {
      made->source.why = {dockerfile, run->place, run->name + " " + run->text};
      return *made;
    }
  }
  if (auto made = by_lock(repository, root, "uv.lock", "uv")) return *made;
  if (auto made = by_lock(repository, root, "poetry.lock", "poetry")) return *made;
  if (auto made = by_requirements(repository, root)) return *made;
  const auto project = in_folder(root, "pyproject.toml");
  if (repository.find(project))
    return {"python", {"pyproject.toml", {project, {1, 1}, "is there"}}, {}, {}, {}};
  return {};
}

BuildProposal node_build(const Manifest& manifest) {
  BuildProposal build{"node", {"yes", {manifest.path, {1, 1}, "is there"}}, {}, {}, {}};
  if (!manifest.engines_node.empty()) {
    const auto version = major_of(manifest.engines_node);
    // A lower bound is met by a newer one; only an exact wish is a wish for that very version.
    const bool exact = manifest.engines_node.find('>') == std::string::npos;
    if (exact && !version.empty())
      build.source = {version, {manifest.path, {1, 1}, "engines.node: " + manifest.engines_node}};
  }
  if (const auto* script = manifest.find_script("build"))
    build.run.push_back(
        {"npm run build", {manifest.path, script->place, "build: " + script->command}});
  return build;
}

bool install_also(const Repository& repository, const std::string& package, BuildProposal& build) {
  if (repository.find_dependency(package)) return true;
  if (build.kind != "python" || !build.source.value.ends_with(".txt")) return false;
  build.packages.push_back({package, {build.source.why.path, {}, "does not declare it"}});
  return true;
}

}  // namespace ecluse::preflight
