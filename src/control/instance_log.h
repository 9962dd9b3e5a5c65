#pragma once
// What an instance wrote, as people may see it.

#include <string>

#include "control/ports.h"

namespace ecluse::control {

/// Redacted. The text ends where a value may have begun that is not complete yet; the next chunk
/// goes on from there, so that following shows a value's name, never its halves. Blocking.
Result<ports::LogChunk> instance_log(const Ports& ports, const std::string& instance,
                                     const ports::LogQuery& query);

}  // namespace ecluse::control
