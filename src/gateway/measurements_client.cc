#include "gateway/measurements_client.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "gateway/measure_json.h"

namespace ecluse::gateway {

MeasurementsClient::MeasurementsClient(std::filesystem::path socket, Duration respawn_patience)
    : line_(std::move(socket), respawn_patience) {}

Result<ports::MeasureBatch> MeasurementsClient::read(const ports::MeasureCursor& cursor) {
  ECLUSE_ASSIGN(const nlohmann::json reply,
                line_.call({{"op", "measures"}, {"cursor", to_json(cursor)}}));
  try {
    return measure_batch_from_json(reply.at("batch"));
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorKind::kInternal,
                fmt::format("the gateway's measures cannot be read: {}", error.what()));
  }
}

}  // namespace ecluse::gateway
