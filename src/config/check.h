#pragma once
// What must hold between the values of a file, once overlays are applied.

#include <map>
#include <string>
#include <vector>

#include "config/diagnostic.h"
#include "config/parse.h"

namespace ecluse::config {

/// By environment: paths whose values were refused while reading.
using Broken = std::map<std::string, std::vector<std::string>>;

/// Errors and warnings, located by `parsed.origins`; none about what is broken already.
std::vector<Diagnostic> check(const Parsed& parsed, const Broken& broken);

}  // namespace ecluse::config
