#pragma once
// The shim's errors: the Result of base/, made without fmt so that the shim stays small.

#include <string>

#include "base/result.h"

namespace ecluse::shim {

/// "what: strerror(errno)", with the kind that fits the current errno.
tl::unexpected<Error> failed(const std::string& what);

}  // namespace ecluse::shim
