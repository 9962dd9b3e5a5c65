#pragma once
// A runtime without processes: instances boot, crash and are restarted by the scheduler, as the
// Habits of their launch say.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ports/runtime.h"
#include "sim/twins/faults.h"
#include "sim/twins/scheduler.h"

namespace ecluse::sim {

/// How what is launched behaves.
struct Habits {
  Duration boot = std::chrono::milliseconds(300);  ///< until it would answer a probe
  bool cannot_start = false;                       ///< exec() fails
  bool never_ready = false;
  std::optional<Duration> crash_after;  ///< each time it was started
  std::optional<Duration> flap_after;   ///< answers badly from then
  Duration flap_for{};
  int job_exit = 0;
  std::vector<std::string> lines;  ///< its output
};

class TwinRuntime final : public ports::Runtime {
 public:
  explicit TwinRuntime(Scheduler& scheduler) : scheduler_(scheduler) {}

  Result<ports::InstanceStatus> start(const ports::Launch& launch) override;
  Result<void> stop(const std::string& id) override;
  Result<int> run_job(const ports::Launch& launch, Duration timeout,
                      const ports::LineSink& sink) override;
  Result<std::vector<ports::InstanceStatus>> list() override;
  Result<ports::InstanceStatus> status(const std::string& id) override;
  Result<ports::Usage> usage(const std::string& id) override;
  Result<std::vector<ports::Listener>> listeners(const std::string& id) override;
  Result<ports::LogChunk> logs(const std::string& id, const ports::LogQuery& query) override;
  void subscribe(std::function<void(const ports::InstanceEvent&)> on_event) override;

  /// Ends the app of `id` as a signal does; nothing when it does not run.
  void kill(const std::string& id, int signal = 9);
  /// Everything that ran is gone; what was recorded of jobs stays.
  void reboot();
  bool exists(const std::string& id) const { return instances_.contains(id); }
  bool healthy(const std::string& id) const;
  /// The job with this id has run and ended with 0.
  bool has_done(const std::string& job) const;
  const ports::Launch* launch_of(const std::string& id) const;

  std::function<Habits(const ports::Launch&)> habits;
  Faults faults;
  /// Told of every change of an instance's health; the prober's twin listens.
  std::function<void(const std::string& id, bool healthy)> on_health;
  /// For checkers, before it happens.
  std::function<void(const ports::Launch&)> before_start;
  std::function<void(const std::string& id)> before_stop;
  std::function<void(const ports::Launch&)> before_job;
  std::map<std::string, int> job_runs;  ///< by id: how often it was really run

 private:
  struct Instance {
    ports::Launch launch;
    ports::InstanceStatus status;
    Habits habits;
    bool healthy = false;
    std::uint64_t life = 0;  ///< changes with every start: events of an earlier life are void
    int crashes = 0;
  };
  void boot(Instance& instance);
  void crash(Instance& instance);
  void exited(Instance& instance, int exit_code);
  void set_health(Instance& instance, bool healthy);
  void tell(const std::string& id, ports::InstanceChange change, int exit_code = 0);
  void later(const Instance& instance, Duration delay, void (TwinRuntime::*what)(Instance&));
  std::optional<Error> fault(std::string_view call) { return faults ? faults(call) : std::nullopt; }

  Scheduler& scheduler_;
  std::map<std::string, Instance> instances_;
  std::map<std::string, int> job_results_;
  std::uint64_t lives_ = 0;
  int addresses_ = 1;
  std::function<void(const ports::InstanceEvent&)> on_event_;
};

}  // namespace ecluse::sim
