#include "artifact/recipes.h"

#include <fmt/format.h>

namespace ecluse::artifact {

using model::BuildKind;

namespace {
tl::unexpected<Error> not_available(BuildKind kind) {
  return fail(ErrorKind::kRefused, fmt::format("build: {} is not available yet", to_string(kind)));
}

Result<void> install(Workshop& workshop, const Part& part, Purpose purpose) {
  switch (part.build.kind) {
    case BuildKind::kPython:
      return build_python(workshop, part, purpose);
    case BuildKind::kUv:
      return build_uv(workshop, part, purpose);
    case BuildKind::kPoetry:
      return build_poetry(workshop, part, purpose);
    case BuildKind::kNode:
      return build_node(workshop, part, purpose);
    case BuildKind::kGo:
      return build_go(workshop, part, purpose);
    case BuildKind::kCommand:
      return {};
    case BuildKind::kCmake:
    case BuildKind::kDetect:
    case BuildKind::kDockerfile:
    case BuildKind::kImage:
      return not_available(part.build.kind);
  }
  return not_available(part.build.kind);
}
}  // namespace

Result<std::string> tools_of(const Part& part) {
  switch (part.build.kind) {
    case BuildKind::kPython:
    case BuildKind::kUv:
    case BuildKind::kPoetry:
      return python_tools(part);
    case BuildKind::kNode:
      return node_tools(part);
    case BuildKind::kGo:
      return go_tools(part);
    case BuildKind::kCommand:
      return std::string("command");
    case BuildKind::kCmake:
    case BuildKind::kDetect:
    case BuildKind::kDockerfile:
    case BuildKind::kImage:
      return not_available(part.build.kind);
  }
  return not_available(part.build.kind);
}

Result<void> build_part(Workshop& workshop, const Part& part, Purpose purpose) {
  workshop.say(fmt::format("building {} as {} ({})", part.root.empty() ? "the app" : part.root,
                           to_string(part.build.kind), part.evidence));
  ECLUSE_TRY(install(workshop, part, purpose));
  if (purpose == Purpose::kCheck) return {};
  const bool command = part.build.kind == BuildKind::kCommand && !part.build.source.empty();
  if (command) ECLUSE_TRY(workshop.run_line(part.build.source, part.root));
  for (const std::string& line : part.build.run) ECLUSE_TRY(workshop.run_line(line, part.root));
  return {};
}

Result<void> finish_tree(Workshop& workshop, const std::vector<Part>& parts) {
  for (const Part& part : parts) ECLUSE_TRY(compile_python(workshop, part));
  return {};
}

}  // namespace ecluse::artifact
