#pragma once
// Facts of a Python file. Pure; never fails: what cannot be read is absent, and `truncated` says
// so.

#include <string_view>

#include "preflight/facts/code.h"

namespace ecluse::preflight {

CodeFile read_python(std::string_view path, std::string_view source);

/// The imports alone, by lines: for the many files that no rule looks into. Text inside
/// triple-quoted strings is not taken for code.
std::vector<Import> python_imports(std::string_view source);

}  // namespace ecluse::preflight
