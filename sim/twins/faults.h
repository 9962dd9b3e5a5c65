#pragma once
// What goes wrong, asked at every call of a port.

#include <functional>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace ecluse::sim {

/// Given the name of a call ("runtime.start"), the error it shall fail with, if it shall.
using Faults = std::function<std::optional<Error>(std::string_view call)>;

}  // namespace ecluse::sim
