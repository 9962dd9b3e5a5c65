#include "gateway/outcomes_client.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "gateway/outcome_json.h"

namespace ecluse::gateway {

OutcomesClient::OutcomesClient(std::filesystem::path socket, Duration respawn_patience)
    : line_(std::move(socket), respawn_patience) {}

Result<ports::OutcomeBatch> OutcomesClient::read(const model::EnvironmentKey& key,
                                                 const ports::OutcomeCursor& cursor,
                                                 Duration patience) {
  ECLUSE_ASSIGN(const nlohmann::json reply, line_.call({{"op", "outcomes"},
                                                        {"app", key.app},
                                                        {"environment", key.environment},
                                                        {"cursor", to_json(cursor)},
                                                        {"patience_ms", patience.count()}}));
  try {
    return batch_from_json(reply.at("batch"));
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorKind::kInternal,
                fmt::format("the gateway's outcomes cannot be read: {}", error.what()));
  }
}

}  // namespace ecluse::gateway
