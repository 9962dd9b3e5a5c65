#pragma once
// A machine with a control plane on it: all twins, one engine that can die and come back.

#include <memory>
#include <string>

#include "control/engine.h"
#include "control/requests.h"
#include "sim/executor.h"
#include "sim/twins/faulty_store.h"
#include "sim/twins/prober.h"
#include "sim/twins/runtime.h"
#include "sim/twins/scheduler.h"
#include "sim/twins/traffic.h"
#include "sim/twins/visitors.h"
#include "sim/twins/workshop.h"

namespace ecluse::sim {

class World {
 public:
  explicit World(std::uint64_t seed);

  /// A commit whose ecluse.yml says `app`.
  void add_commit(const std::string& sha, model::AppSpec app);

  /// From the next boot on the judge hears of what visitors met.
  void let_the_judge_hear() { ports.outcomes = &visitors; }
  /// Starts the control plane; false when its state could not be read or written.
  bool boot();
  void crash(double still_arrives = 0.5);
  void reboot();
  /// The whole machine sleeps; ecluse time goes on.
  void suspend(Duration time);
  bool alive() const { return engine != nullptr; }

  /// Runs everything due until `until`, or until `done`.
  void run_until(TimePoint until, const std::function<bool()>& done = [] { return false; });
  void run_for(Duration time) { run_until(scheduler.now() + time); }

  // What an operator does; the answer is in the returned box when it has come.
  template <typename T>
  using Answer = std::shared_ptr<std::optional<Result<T>>>;
  Answer<control::Ticket> deploy(const std::string& sha, const std::string& environment);
  Answer<control::Ticket> promote(const std::string& environment);
  Answer<control::Ticket> rollback(const std::string& environment, model::ReleaseNumber to = 0);
  Answer<control::Ticket> again(const std::string& environment, rollout::Kind kind,
                                const std::map<std::string, int>& instances = {});
  Answer<control::Ticket> stop(const std::string& environment);
  Answer<void> command(const std::string& environment, const rollout::Event& event);
  Answer<void> approve(const std::string& environment);

  model::EnvironmentKey key(const std::string& environment) const { return {app, environment}; }
  const rollout::State* state(const std::string& environment) const;
  /// The newest durable state.
  std::optional<rollout::State> stored(const model::EnvironmentKey& environment);
  /// How a rollout ended, as filed; nothing while it runs.
  std::optional<control::Record> record(const std::string& id);
  bool at_rest() const;

  std::string app = "shop";              ///< that the operator's calls are about
  std::uint64_t deaths = 0;              ///< of the control plane
  TwinTraffic::Latches latched_at_boot;  ///< what the control plane can learn when it begins
  std::uint64_t reboots = 0;             ///< of the machine
  Prng prng;
  Scheduler scheduler;
  SimExecutor executor;
  TwinClock clock;
  TwinRuntime runtime;
  TwinTraffic traffic;
  TwinProber prober;
  Visitors visitors;
  FaultyStore store;
  TwinVcs vcs;
  TwinBuilder builder;
  TwinServices services;
  TwinBackups backups;
  TwinSecrets secrets;
  TwinStageLogs stage_logs;
  std::map<std::string, model::AppSpec> specs;
  /// What an examination has said of each release that was looked at; the same each time.
  std::map<model::ReleaseKey, bool> fit;
  control::Ports ports;
  control::Settings settings{"/layers", "/volumes"};  ///< of the next boot
  control::Engine::Witness witness;
  std::unique_ptr<control::Engine> engine;

 private:
  void die();
  Answer<control::Ticket> place(Result<control::RolloutOrder> order);

  /// What stored() read last: checkers ask many times between two commits.
  std::map<model::EnvironmentKey, std::pair<std::string, std::optional<rollout::State>>> read_;
};

}  // namespace ecluse::sim
