#pragma once
// The pages that a package.json builds and that need no server of their own. Pure.

#include <optional>
#include <string>

#include "preflight/facts/repository.h"

namespace ecluse::preflight {

/// "dist", "build", "out": where its script `build` writes them. Nothing where it has none, or what
/// is built is a server. Sources: the tools' own documentation of their output folder.
std::optional<std::string> built_pages(const Repository& repository, const Manifest& manifest);

}  // namespace ecluse::preflight
