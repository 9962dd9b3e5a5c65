#pragma once
// JSON of ports/outcomes.h, on the control socket. Reading ignores unknown members and throws
// nlohmann::json::exception on a wrong shape.

#include <nlohmann/json_fwd.hpp>

#include "ports/outcomes.h"

namespace ecluse::gateway {

nlohmann::json to_json(const ports::OutcomeCursor& cursor);
ports::OutcomeCursor cursor_from_json(const nlohmann::json& json);
nlohmann::json to_json(const ports::OutcomeBatch& batch);
ports::OutcomeBatch batch_from_json(const nlohmann::json& json);

}  // namespace ecluse::gateway
