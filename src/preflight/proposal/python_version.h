#pragma once
// The Python that a project is written for, and the one it insists on. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// "3.9" of .python-version, runtime.txt or the image of a Dockerfile, those in `root` first; last
/// of a pyproject.toml that does not take the machine's.
std::optional<Proven> preferred_python(const Repository& repository, const Stack& stack,
                                       const std::string& root);

/// "3.13" of ">=3.13,<4" and "3.10" of "~3.10": the Python 3 nearest to Debian 12's, which
/// has 3.11, that a project takes which does not take that one. "" where it does, or where more
/// than we understand is said. Sources: PEP 440, "Version specifiers"; Poetry, "Version
/// constraints".
std::string python_besides(std::string_view wanted);

}  // namespace ecluse::preflight
