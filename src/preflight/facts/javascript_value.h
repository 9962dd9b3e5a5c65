#pragma once
// Expressions of JavaScript and TypeScript as values. Private to facts/.

#include <string>

#include "preflight/facts/code.h"
#include "preflight/facts/syntax.h"

namespace ecluse::preflight {

/// "z.object" of a member; a call is "z.object()", an index "list[]", what is neither "?".
std::string javascript_name(const Syntax& node);

/// As deep as kValueDepthMax.
Value javascript_value(const Syntax& node);

}  // namespace ecluse::preflight
