#pragma once
// The control plane in production: the engine on a thread of its own, its effects on a bounded
// pool, and Operations for everybody else.

#include <memory>

#include "control/operations.h"
#include "control/ports.h"

namespace ecluse::control {

class Plane final : public Operations {
 public:
  /// Touches nothing yet.
  Plane(const Ports& ports, Settings settings);
  /// Stops the loop; effects under way are waited for. Instances and traffic are left as they are.
  ~Plane() override;
  Plane(const Plane&) = delete;
  Plane& operator=(const Plane&) = delete;

  /// Loads what is stored, raises the fencing term, subscribes to runtime and prober, starts the
  /// loop and resumes what was under way. Call once. Fails when the store does.
  Result<void> start();

  Result<Ticket> deploy(const DeployRequest& request) override;
  Result<Ticket> promote(const Act& act, const std::string& confirmation) override;
  Result<void> approve(const Act& act, const RolloutId& rollout,
                       const std::string& confirmation) override;
  Result<Ticket> rollback(const Act& act, std::optional<model::ReleaseNumber> to) override;
  Result<RollbackCheck> rollback_check(const Act& act,
                                       std::optional<model::ReleaseNumber> to) override;
  Result<void> abort(const Act& act) override;
  Result<void> pause(const Act& act) override;
  Result<void> resume(const Act& act) override;
  Result<void> promote_now(const Act& act) override;
  Result<Ticket> restart(const Act& act) override;
  Result<Ticket> stop(const Act& act) override;
  Result<Ticket> start(const Act& act) override;
  Result<Ticket> scale(const Act& act, const std::map<std::string, int>& instances) override;
  Result<void> maintenance(const Act& act, bool on) override;
  Result<void> remove(const Act& act, bool delete_data) override;
  Result<std::vector<EnvironmentView>> status(const std::string& app) override;
  Result<EnvironmentView> environment(const model::EnvironmentKey& key) override;
  Result<std::string> metrics(metrics::Form form) override;
  Result<RolloutView> rollout(const RolloutId& id) override;
  Result<std::string> trial(const RolloutId& id) override;
  Result<std::vector<RolloutView>> rollouts(const model::EnvironmentKey& key,
                                            std::size_t limit) override;
  Result<std::vector<ReleaseView>> releases(const model::EnvironmentKey& key) override;
  Result<std::vector<ports::StoredEvent>> events(const ports::EventQuery& query) override;
  Result<std::vector<ports::StoredEvent>> await_events(const ports::EventQuery& query,
                                                       Duration timeout) override;
  Result<ports::LogChunk> stage_log(const RolloutId& id, const std::string& stage,
                                    std::uint64_t from_offset, Duration wait) override;
  Result<ports::LogChunk> logs(const std::string& instance, const ports::LogQuery& query) override;
  Result<int> run(const Act& act, const std::vector<std::string>& argv, const ports::LineSink& sink,
                  const std::stop_token& stop) override;
  Result<ports::MoveReport> move_database(const Act& act, const ports::MoveOrder& order,
                                          const ports::LineSink& sink,
                                          const std::stop_token& stop) override;
  Result<std::vector<EnvEntry>> env(const model::EnvironmentKey& key) override;
  Result<std::uint32_t> secret_set(const Act& act, const std::string& name,
                                   std::string_view value) override;
  Result<void> secret_remove(const Act& act, const std::string& name) override;
  Result<std::vector<ports::SecretInfo>> secrets(const model::EnvironmentKey& key) override;
  Result<std::uint64_t> reclaim(const std::string& actor, bool dry_run) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ecluse::control
