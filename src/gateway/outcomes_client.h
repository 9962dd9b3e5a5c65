#pragma once
// Outcomes over the gateway's control socket: the adapter of the control plane.

#include <filesystem>

#include "gateway/control_line.h"
#include "ports/outcomes.h"

namespace ecluse::gateway {

/// Thread-safe. A gateway that is being respawned is waited for; Unavailable after
/// `respawn_patience`.
class OutcomesClient final : public ports::Outcomes {
 public:
  explicit OutcomesClient(std::filesystem::path socket, Duration respawn_patience = Duration(5000));

  Result<ports::OutcomeBatch> read(const model::EnvironmentKey& key,
                                   const ports::OutcomeCursor& cursor, Duration patience) override;

 private:
  ControlLine line_;
};

}  // namespace ecluse::gateway
