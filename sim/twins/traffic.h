#pragma once
// A gateway without sockets: sites, fences, latches, and requests in flight that end in time.

#include <map>
#include <optional>
#include <set>
#include <string>

#include "ports/traffic.h"
#include "sim/twins/faults.h"
#include "sim/twins/scheduler.h"

namespace ecluse::sim {

class TwinTraffic : public ports::Traffic {
 public:
  explicit TwinTraffic(Scheduler& scheduler) : scheduler_(scheduler) {}

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

  const ports::Site* site(const model::EnvironmentKey& key) const;
  bool has_latched(const std::string& rollout, model::ReleaseNumber release) const;
  /// By the fences of their rollouts, the releases that were aborted.
  using Latches = std::map<std::string, std::set<model::ReleaseNumber>>;
  const Latches& latches() const { return latches_; }

  Faults faults;
  /// Whether a target answers; absent: all do.
  std::function<bool(const std::string& instance)> answers;
  /// How long requests in flight go on after their release lost its weight.
  std::function<Duration()> linger = [] { return std::chrono::milliseconds(150); };
  /// For checkers: what was swapped in, and what a latch kept out.
  std::function<void(const ports::Site& site, const ports::Fence& fence)> on_swap;
  std::function<void(const ports::Site& site, const ports::Fence& fence)> on_latched_weight;

 private:
  struct Known {
    std::optional<ports::Site> site;  ///< absent: removed, its fence stands
    ports::Fence fence;
    std::map<model::ReleaseNumber, TimePoint> busy_until;
  };
  Result<Known*> admit(const model::EnvironmentKey& key, const ports::Fence& fence);
  Result<void> swap(const ports::Site& site, const ports::Fence& fence);
  std::optional<Error> fault(std::string_view call) { return faults ? faults(call) : std::nullopt; }

  Scheduler& scheduler_;
  std::map<model::EnvironmentKey, Known> known_;
  Latches latches_;
};

}  // namespace ecluse::sim
