#pragma once
// The invariants of architecture.md, as far as they can exist now. Each has a name and says what it
// saw. They look at the twins' truth and at what is durable, never at what the machine believes.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/simulation.h"
#include "sim/world.h"

namespace ecluse::sim {

class Checkers {
 public:
  /// Hooks itself into the world's twins.
  explicit Checkers(World& world);

  /// Every step of a rollout machine, before it is written.
  void on_step(const rollout::State& before, const rollout::Step& step);
  /// When faults have stopped and time has passed: nothing may still be under way.
  void at_the_end();
  /// An operator was told "yes".
  void promised(const std::string& rollout) { promised_.insert(rollout); }
  void promised_abort(const std::string& rollout) { aborted_.insert(rollout); }

  const std::vector<Violation>& violations() const { return violations_; }

 private:
  void violated(std::string invariant, std::string message);
  void before_start(const ports::Launch& launch);
  void before_stop(const std::string& id);
  void before_job(const ports::Launch& launch);
  void on_recovered(const rollout::State& before, const rollout::Step& step);
  void on_trial(const rollout::State& before, const rollout::State& next);
  void on_phase(const rollout::State& before, const rollout::State& next);
  void on_fence(const rollout::Rollout& r);
  void on_jobs(const rollout::State& before, const rollout::State& next);
  void on_evidence(const rollout::State& state);
  void on_abort(const rollout::State& before, const rollout::State& next);
  void one_generation_of_workers(const ports::Launch& launch, const rollout::State& durable);
  void on_latched_weight(const ports::Site& site, const ports::Fence& fence);
  void on_refusal(const rollout::State& before, const rollout::State& next);
  bool knows_what_runs(const model::EnvironmentKey& key, const ports::Fence& fence);
  void on_swap(const ports::Site& site, const ports::Fence& fence);
  void on_commit(const ports::Batch& batch);
  void stopping_a_release(const rollout::State& durable, const model::InstanceKey& key);

  World& world_;
  static constexpr int kInsistedMax = 3;  ///< more than one plane's last will may come late

  std::map<std::pair<std::uint64_t, std::string>, int> insisted_;  ///< by term and fence
  /// By site and term: the newest decision when it last heard that the gateway refused one.
  std::map<std::pair<model::EnvironmentKey, std::uint64_t>, std::uint64_t> refused_at_;
  std::map<model::EnvironmentKey, std::uint64_t>
      looked_after_;  ///< so many reboots somebody has looked what runs
  std::map<model::EnvironmentKey, std::uint64_t>
      decided_after_;                        ///< so many deaths somebody alive moved it
  std::map<std::string, TimePoint> fences_;  ///< when the rollout of each began
  std::set<std::string> promised_;
  std::set<std::string> aborted_;
  std::vector<Violation> violations_;
};

/// The value every simulated secret has in it; nowhere but in an instance's environment.
inline constexpr std::string_view kSecretMark = "s3cr3t-value-";

}  // namespace ecluse::sim
