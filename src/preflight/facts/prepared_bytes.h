#pragma once
// What one file says by itself, as bytes that are kept between two readings.

#include <optional>
#include <string>
#include <string_view>

#include "preflight/facts/repository.h"

namespace ecluse::preflight {

/// In the form of the program that wrote them: another build may mean something else by them.
std::string to_bytes(const Prepared& prepared);

/// Of bytes that to_bytes() of this build made, whole; nothing where they end too early. They are
/// taken on trust otherwise: who keeps them, keeps a digest too.
std::optional<Prepared> from_bytes(std::string_view bytes);

}  // namespace ecluse::preflight
