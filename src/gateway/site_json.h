#pragma once
// JSON of what ports/traffic.h says: on the control socket and in the state file alike. Reading
// ignores unknown members and throws nlohmann::json::exception on a wrong shape.

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "ports/traffic.h"

namespace ecluse::gateway {

nlohmann::json to_json(const ports::Site& site);
ports::Site site_from_json(const nlohmann::json& json);
nlohmann::json to_json(const ports::Fence& fence);
ports::Fence fence_from_json(const nlohmann::json& json);
nlohmann::json to_json(const ports::ArmCounters& counters);
ports::ArmCounters arm_counters_from_json(const nlohmann::json& json);
nlohmann::json to_json(const ports::SiteCounters& counters);
ports::SiteCounters counters_from_json(const nlohmann::json& json);
nlohmann::json to_json(const Error& error);
Error error_from_json(const nlohmann::json& json);
model::EnvironmentKey key_from_json(const nlohmann::json& json);

}  // namespace ecluse::gateway
