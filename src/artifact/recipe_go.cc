#include <fmt/format.h>

#include "artifact/interpreter.h"
#include "artifact/part_path.h"
#include "artifact/recipes.h"
#include "artifact/tree.h"
#include "os/file.h"

namespace ecluse::artifact {

Result<std::string> go_tools(const Part& part) {
  ECLUSE_ASSIGN(const Interpreter go, find_go(part.build.version));
  return fmt::format("go {} {}", go.version, go.program.string());
}

Result<void> build_go(Workshop& workshop, const Part& part, Purpose purpose) {
  ECLUSE_ASSIGN(const Interpreter go, find_go(part.build.version));
  if (purpose == Purpose::kCheck) return {};  // `go test` gets what it needs itself
  // A folder that exists, or go takes the name for that of the program.
  const std::string bin = in_root(part, "bin");
  ECLUSE_TRY(os::make_folder(workshop.place().tree / bin));
  ECLUSE_TRY(give_to(workshop.place().tree / bin, workshop.place().uid));
  workshop.say(fmt::format("go {} to {}", go.version, workshop.inside(bin)));
  // Neither paths, nor the commit, nor a build id: the same source gives the same bytes.
  return workshop.run({.what = "go build",
                       .argv = {go.program.string(), "build", "-trimpath", "-buildvcs=false",
                                "-ldflags=-buildid=", "-o", workshop.inside(bin) + "/",
                                part.build.source.empty() ? "./..." : part.build.source},
                       .root = part.root});
}

}  // namespace ecluse::artifact
