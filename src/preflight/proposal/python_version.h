#pragma once
// The Python that a project is written for, and the one it insists on. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// "3.9" of .python-version, runtime.txt or the image of a Dockerfile, those in `root` first; last
/// of a pyproject.toml that does not take the machine's.
std::optional<Proven> preferred_python(const Repository& repository, const Stack& stack,
                                       const std::string& root);

/// Of the pyproject.toml in `root`, where it does not take Debian 12's Python, which is 3.11: the
/// nearest that it takes. uv, Poetry and pip refuse to install it with another one.
/// Sources: PEP 440, "Version specifiers"; Poetry, "Version constraints".
std::optional<Proven> demanded_python(const Repository& repository, const std::string& root);

}  // namespace ecluse::preflight
