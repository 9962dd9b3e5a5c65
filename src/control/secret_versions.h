#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "control/ports.h"
#include "model/key.h"

namespace ecluse::control {

/// The newest version of each secret that `spec` names, in that environment; NotFound names those
/// without a value.
Result<std::map<std::string, std::uint32_t>> newest_secrets(const Ports& ports,
                                                            const model::EnvironmentKey& key,
                                                            const model::EnvironmentSpec& spec);

}  // namespace ecluse::control
