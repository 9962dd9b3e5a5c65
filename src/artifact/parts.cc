#include "artifact/parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "artifact/part_path.h"
#include "base/text.h"
#include "os/file.h"

namespace ecluse::artifact {

namespace fs = std::filesystem;
using model::BuildKind;

namespace {
struct Sign {
  std::string_view file;
  BuildKind kind;
};
/// In this order: a lock file says more than what it locks; Python first, since Python projects
/// carry a package.json for tools more often than the other way round.
constexpr std::array kSigns = {Sign{"uv.lock", BuildKind::kUv},
                               Sign{"poetry.lock", BuildKind::kPoetry},
                               Sign{"requirements.txt", BuildKind::kPython},
                               Sign{"pyproject.toml", BuildKind::kPython},
                               Sign{"setup.py", BuildKind::kPython},
                               Sign{"package.json", BuildKind::kNode},
                               Sign{"go.mod", BuildKind::kGo},
                               Sign{"CMakeLists.txt", BuildKind::kCmake}};

bool is_clean_root(const std::string& root) {
  const fs::path path(root);
  return path.is_relative() &&
         std::none_of(path.begin(), path.end(), [](const fs::path& p) { return p == ".."; });
}

std::string normal_root(const std::string& root) {
  std::string normal = fs::path(root).lexically_normal().string();
  while (normal.ends_with('/')) normal.pop_back();
  return normal == "." ? std::string() : normal;
}

/// `node: frontend`: for these `source` is a folder, not a file.
bool names_folder(BuildKind kind) {
  return kind == BuildKind::kNode || kind == BuildKind::kUv || kind == BuildKind::kPoetry;
}

Result<void> require_buildable(const Part& part) {
  if (part.build.kind != BuildKind::kDockerfile && part.build.kind != BuildKind::kImage) return {};
  return fail(ErrorKind::kRefused,
              fmt::format("build from a {} is not available yet", to_string(part.build.kind)),
              "name python, uv, poetry, node, go, cmake or command under `build:`");
}

Result<void> require_root(const fs::path& tree, const std::string& root) {
  if (is_clean_root(root) && os::is_folder(tree / root)) return {};
  return fail(ErrorKind::kInvalid, fmt::format("the commit has no folder {}", printable(root)),
              "correct `root:` of that process");
}
}  // namespace

std::string_view to_string(BuildKind kind) {
  switch (kind) {
    case BuildKind::kDetect:
      return "detect";
    case BuildKind::kPython:
      return "python";
    case BuildKind::kUv:
      return "uv";
    case BuildKind::kPoetry:
      return "poetry";
    case BuildKind::kNode:
      return "node";
    case BuildKind::kGo:
      return "go";
    case BuildKind::kCmake:
      return "cmake";
    case BuildKind::kCommand:
      return "command";
    case BuildKind::kDockerfile:
      return "Dockerfile";
    case BuildKind::kImage:
      return "image";
  }
  return "?";
}

std::string in_root(const Part& part, std::string_view path) {
  return part.root.empty() ? std::string(path) : fmt::format("{}/{}", part.root, path);
}

Part detect(const fs::path& tree, const std::string& root, const model::BuildSpec& build) {
  Part part{root, build, "ecluse.yml"};
  if (names_folder(build.kind)) {
    part.root = normal_root((fs::path(root) / build.source).string());
    part.build.source.clear();
  }
  if (build.kind != BuildKind::kDetect) return part;
  for (const Sign& sign : kSigns) {
    if (!os::is_plain_file(tree / root / sign.file)) continue;
    part.build.kind = sign.kind;
    part.evidence = sign.file;
    return part;
  }
  part.build.kind = BuildKind::kCommand;
  part.evidence = "no file of a known kind: the tree as it is";
  return part;
}

Result<std::vector<Part>> parts_of(const fs::path& tree, const model::EnvironmentSpec& spec) {
  std::vector<Part> parts;
  const auto uses_app_build = [](const model::ProcessSpec& p) { return !p.build.has_value(); };
  const auto& processes = spec.processes;
  if (processes.empty() || std::any_of(processes.begin(), processes.end(), uses_app_build)) {
    parts.push_back(detect(tree, "", spec.build));
  }
  for (const model::ProcessSpec& process : processes) {
    if (!process.build) continue;
    Part part = detect(tree, normal_root(process.root), *process.build);
    if (std::find(parts.begin(), parts.end(), part) == parts.end())
      parts.push_back(std::move(part));
  }
  for (const Part& part : parts) {
    ECLUSE_TRY(require_root(tree, part.root.empty() ? "." : part.root));
    ECLUSE_TRY(require_buildable(part));
  }
  return parts;
}

}  // namespace ecluse::artifact
