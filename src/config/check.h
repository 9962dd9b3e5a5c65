#pragma once
// What must hold between the values of a file, once overlays are applied.

#include <vector>

#include "config/diagnostic.h"
#include "config/parse.h"

namespace ecluse::config {

/// Errors and warnings, located by `parsed.origins`.
std::vector<Diagnostic> check(const Parsed& parsed);

}  // namespace ecluse::config
