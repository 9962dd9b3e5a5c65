#pragma once
// The Python that a project is written for, where it says one and insists on none. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// "3.9" of .python-version, runtime.txt or the image of a Dockerfile, those in `root` first.
std::optional<Proven> preferred_python(const Repository& repository, const Stack& stack,
                                       const std::string& root);

}  // namespace ecluse::preflight
