#pragma once
// Measurements over the gateway's control socket: the adapter of the control plane.

#include <filesystem>

#include "gateway/control_line.h"
#include "ports/measurements.h"

namespace ecluse::gateway {

/// Thread-safe. A gateway that is being respawned is waited for; Unavailable after
/// `respawn_patience`.
class MeasurementsClient final : public ports::Measurements {
 public:
  explicit MeasurementsClient(std::filesystem::path socket,
                              Duration respawn_patience = Duration(5000));

  Result<ports::MeasureBatch> read(const ports::MeasureCursor& cursor) override;

 private:
  ControlLine line_;
};

}  // namespace ecluse::gateway
