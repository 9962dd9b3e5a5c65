#pragma once
// How each kind of project is built, step by step, in a workshop. A recipe first looks which tools
// of the machine it will use (they are part of the inputs), then works.

#include <string>

#include "artifact/parts.h"
#include "artifact/workshop.h"

namespace ecluse::artifact {

/// For a check only the dependencies are installed, those for development too.
enum class Purpose { kRelease, kCheck };

/// The tools that will build `part`, with versions: "python 3.11.2 /usr/bin/python3". Part of the
/// inputs' key. NotFound when the machine lacks one.
Result<std::string> tools_of(const Part& part);

/// Installs the dependencies of `part` and runs its commands in the workshop's tree.
Result<void> build_part(Workshop& workshop, const Part& part, Purpose purpose);

/// After all parts: what they leave behind that depends on when or how they were built goes, and
/// Python is compiled.
Result<void> finish_tree(Workshop& workshop, const std::vector<Part>& parts);

// One file each: recipe_KIND.cc.
Result<std::string> python_tools(const Part& part);
Result<void> build_python(Workshop& workshop, const Part& part, Purpose purpose);
Result<void> build_uv(Workshop& workshop, const Part& part, Purpose purpose);
Result<void> build_poetry(Workshop& workshop, const Part& part, Purpose purpose);
Result<void> compile_python(Workshop& workshop, const Part& part);
Result<std::string> node_tools(const Part& part);
Result<void> build_node(Workshop& workshop, const Part& part, Purpose purpose);
Result<std::string> go_tools(const Part& part);
Result<void> build_go(Workshop& workshop, const Part& part, Purpose purpose);

}  // namespace ecluse::artifact
