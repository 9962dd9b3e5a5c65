#pragma once
// Traffic over the gateway's control socket: the adapter of the control plane.

#include <filesystem>

#include "gateway/control_line.h"
#include "ports/traffic.h"

namespace ecluse::gateway {

/// Thread-safe. A gateway that is being respawned is waited for; Unavailable after `patience`.
class TrafficClient : public ports::Traffic {
 public:
  explicit TrafficClient(std::filesystem::path socket, Duration patience = Duration(5000));

  Result<void> apply(const ports::Site& site, const ports::Fence& fence) override;
  Result<void> abort(const ports::Site& site, model::ReleaseNumber aborted,
                     const ports::Fence& fence) override;
  Result<std::vector<model::ReleaseNumber>> latched(const std::string& rollout) override;
  Result<void> remove(const model::EnvironmentKey& key, const ports::Fence& fence) override;
  Result<std::vector<ports::Site>> sites() override;
  Result<void> drain(const model::EnvironmentKey& key, model::ReleaseNumber release,
                     Duration websocket_budget) override;
  Result<ports::SiteCounters> counters(const model::EnvironmentKey& key) override;
  Result<Answer> ask(const model::EnvironmentKey& key, model::ReleaseNumber release,
                     const std::string& path) override;

 private:
  ControlLine line_;
};

}  // namespace ecluse::gateway
