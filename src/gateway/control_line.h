#pragma once
// The client's end of the control socket: one JSON line out, one back. Protocol: docs/gateway.md.

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/locked.h"
#include "base/result.h"
#include "base/time.h"
#include "os/fd.h"

namespace ecluse::gateway {

/// Thread-safe: each call in progress has a connection of its own, so that one that waits for the
/// disk, or for an outcome, delays no other. A gateway that is being respawned is waited for;
/// Unavailable after `patience`.
class ControlLine {
 public:
  ControlLine(std::filesystem::path socket, Duration patience);

  /// The answer to `request`, which must be one that may be repeated; or the error that it says.
  Result<nlohmann::json> call(const nlohmann::json& request);

 private:
  Result<std::string> exchange(const std::string& line);
  Result<os::Fd> connection();

  const std::filesystem::path socket_;
  const Duration patience_;
  Locked<std::vector<os::Fd>> idle_;
};

}  // namespace ecluse::gateway
