#pragma once
// Which parts of a repository answer HTTP, and the command that starts each. Pure.

#include "preflight/proposal/start_lines.h"

namespace ecluse::preflight {

/// By folder. `gaps` gets start lines that name what does not exist, and servers to be declared.
std::vector<Part> find_parts(const Repository& repository, const Stack& stack,
                             std::vector<Gap>& gaps);

}  // namespace ecluse::preflight
