#pragma once
// JSON of ports/measurements.h, on the control socket. Reading ignores unknown members and throws
// nlohmann::json::exception on a wrong shape.

#include <nlohmann/json_fwd.hpp>

#include "ports/measurements.h"

namespace ecluse::gateway {

nlohmann::json to_json(const ports::MeasureCursor& cursor);
ports::MeasureCursor measure_cursor_from_json(const nlohmann::json& json);
nlohmann::json to_json(const ports::MeasureBatch& batch);
ports::MeasureBatch measure_batch_from_json(const nlohmann::json& json);

}  // namespace ecluse::gateway
