#pragma once
// Facts of a JavaScript or TypeScript file. Pure; never fails: what cannot be read is absent, and
// `truncated` says so.

#include <string_view>

#include "preflight/facts/code.h"

namespace ecluse::preflight {

CodeFile read_javascript(std::string_view path, std::string_view source);

}  // namespace ecluse::preflight
