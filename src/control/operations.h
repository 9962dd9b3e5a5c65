#pragma once
// What a person may ask of the control plane, and what they see. The API is a thin skin over this.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "metrics/exposition.h"
#include "model/release.h"
#include "ports/database_move.h"
#include "ports/prober.h"
#include "ports/runtime.h"
#include "ports/secrets.h"
#include "ports/services.h"
#include "ports/store.h"
#include "ports/traffic.h"

namespace ecluse::control {

/// "lettings/prod@12": the twelfth time something was asked to change in that environment. A deploy
/// has it from the first stage of its pipeline on.
using RolloutId = std::string;

struct DeployRequest {
  std::string repository;  ///< absolute path or URL
  std::string ref = "HEAD";
  std::string environment;  ///< empty: the first one with `deploy: automatic`, else the first
  std::string actor;
  std::string skip_checks_reason;  ///< not empty: checks are skipped, and this is audited
  std::string without_backup;      ///< not empty: no backup before its jobs, and this is audited
};

struct Ticket {
  RolloutId rollout;  ///< empty when nothing had to change
  std::string note;   ///< "release 7 already serves lettings/prod: nothing to do"
};

enum class Outcome { kRunning, kDone, kAborted, kFailed, kSuperseded };

enum class StageState { kPending, kRunning, kDone, kFailed, kSkipped };
struct StageView {
  std::string name;  ///< "checkout", "check flake8", "build", "release job migrate", "starting"
  StageState state = StageState::kPending;
  std::optional<Duration> took;
  std::string detail;  ///< "2 of 3 instances ready", "reused sha256:ab12..."
};

/// Everything a failed start can tell (rollout.md): shown by `deploy`, stored with the rollout.
struct FailureEvidence {
  std::string instance;
  std::vector<ports::ProbeResult> probes;
  std::optional<int> exit_code;
  std::vector<std::string> last_lines;  ///< at most 100 lines of the app's output
  std::vector<ports::Listener> listeners;
  std::string likely_reason;  ///< "it listens on port 9000, ecluse expected 8000"
  std::string next_step;      ///< "set `port: 9000` for process web in ecluse.yml"
};

struct RolloutView {
  RolloutId id;
  model::EnvironmentKey environment;
  std::string kind;                  ///< deploy, promote, rollback, restart, scale, stop, start
  model::ReleaseNumber release = 0;  ///< 0 until the build is done
  model::ReleaseNumber from_release = 0;
  std::string commit;
  std::string actor;
  std::string phase;  ///< "gated", "starting", "baking", ...
  std::vector<StageView> stages;
  std::uint32_t weight_ppm = 0;
  bool paused = false;
  std::string waiting_for;  ///< "approval by admins: ecluse approve lettings/prod@12"
  Outcome outcome = Outcome::kRunning;
  bool serving = false;  ///< committed: it carries all traffic (it may still bake)
  std::string reason;    ///< why it was aborted or failed, one sentence
  std::optional<FailureEvidence> evidence;
  WallTime started_at;
  std::optional<WallTime> ended_at;
};

struct InstanceView {
  ports::InstanceStatus status;
  model::ReleaseNumber release = 0;
  std::string process;
  bool ready = false;
  std::optional<ports::Usage> usage;
};

/// How long the answers of a release took lately, each within 1 %.
struct LatencyView {
  Duration over{};  ///< the time looked at: the last five to six minutes, or less
  std::uint64_t answers = 0;
  double p50_ms = 0;
  double p95_ms = 0;
  bool operator==(const LatencyView&) const = default;
};

struct EnvironmentView {
  model::EnvironmentKey key;
  model::ReleaseNumber stable = 0;  ///< 0: nothing deployed
  std::string commit;
  std::string digest;
  std::vector<model::ReleaseNumber> warm;  ///< rollback to one of these is a pointer swap
  std::vector<std::string> hosts;
  std::optional<std::uint16_t> port;
  std::string mode;                    ///< serving, maintenance, stopped
  std::optional<RolloutView> rollout;  ///< running or the last one
  std::vector<RolloutId> queued;
  std::vector<InstanceView> instances;
  std::vector<ports::ServiceStatus> services;
  std::optional<ports::SiteCounters> counters;
  std::map<model::ReleaseNumber, LatencyView> latencies;  ///< of releases that had requests lately
};

struct RollbackCheck {
  bool possible = false;
  bool warm = false;
  model::ReleaseNumber release = 0;
  std::vector<std::string>
      proofs;  ///< "artifact sha256:... is complete", "secret X version 3 is readable"
  std::vector<std::string> obstacles;
  std::vector<std::string> irreversible;  ///< release jobs that rollback cannot undo
  std::string estimate;  ///< "a pointer swap, milliseconds" | "a cold start, about 4 s"
};

struct ReleaseView {
  model::Release release;
  bool stable = false;
  bool warm = false;
  bool retained = false;  ///< its artifact is kept: rollback is possible
};

struct EnvEntry {
  std::string name;
  std::string value;   ///< "secret:NAME version 3" for secrets, never the value
  std::string origin;  ///< "ecluse.yml", "service db", "secret", "ecluse"
};

/// Who says: goes to the audit log with every act.
struct Act {
  model::EnvironmentKey environment;
  std::string actor;
  std::string reason;
  std::string without_backup;  ///< promote: as in DeployRequest
};

/// Thread-safe. Calls return when the request is recorded and its first step taken, not when it is
/// done; `rollout()` and `events()` tell the rest. Refused: a gate or the state forbids it, and the
/// message says what to do. NotFound lists what exists.
class Operations {
 public:
  virtual ~Operations() = default;

  virtual Result<Ticket> deploy(const DeployRequest& request) = 0;
  virtual Result<Ticket> promote(const Act& act, const std::string& confirmation) = 0;
  virtual Result<void> approve(const Act& act, const RolloutId& rollout,
                               const std::string& confirmation) = 0;
  /// Returns when no request goes to the old release any more, if the target is warm.
  virtual Result<Ticket> rollback(const Act& act, std::optional<model::ReleaseNumber> to) = 0;
  virtual Result<RollbackCheck> rollback_check(const Act& act,
                                               std::optional<model::ReleaseNumber> to) = 0;
  virtual Result<void> abort(const Act& act) = 0;
  virtual Result<void> pause(const Act& act) = 0;
  virtual Result<void> resume(const Act& act) = 0;
  virtual Result<void> promote_now(const Act& act) = 0;  ///< skips holds of the running rollout

  virtual Result<Ticket> restart(const Act& act) = 0;
  virtual Result<Ticket> stop(const Act& act) = 0;
  virtual Result<Ticket> start(const Act& act) = 0;
  virtual Result<Ticket> scale(const Act& act, const std::map<std::string, int>& instances) = 0;
  virtual Result<void> maintenance(const Act& act, bool on) = 0;
  /// Forgets an environment that is stopped (Refused else), and stops its services. `delete_data`
  /// would delete their data and the volumes, too: not available yet.
  virtual Result<void> remove(const Act& act, bool delete_data) = 0;

  virtual Result<std::vector<EnvironmentView>> status(const std::string& app) = 0;  ///< empty: all
  virtual Result<EnvironmentView> environment(const model::EnvironmentKey& key) = 0;
  /// Requests, instances and rollouts as Prometheus reads them: docs/api.md lists the families.
  virtual Result<std::string> metrics(metrics::Form form) = 0;
  virtual Result<RolloutView> rollout(const RolloutId& id) = 0;
  virtual Result<std::vector<RolloutView>> rollouts(const model::EnvironmentKey& key,
                                                    std::size_t limit) = 0;
  /// What the judge saw and said of it, as JSON text: docs/judge.md. NotFound: it was never on
  /// trial.
  virtual Result<std::string> trial(const RolloutId& id) = 0;
  virtual Result<std::vector<ReleaseView>> releases(const model::EnvironmentKey& key) = 0;
  virtual Result<std::vector<ports::StoredEvent>> events(const ports::EventQuery& query) = 0;
  /// Waits until an event after `query.after` matches or `timeout` passed; then as events().
  virtual Result<std::vector<ports::StoredEvent>> await_events(const ports::EventQuery& query,
                                                               Duration timeout) = 0;
  /// The output of a stage of a pipeline (checks, build, release jobs), to follow by offset; waits
  /// at most `wait` when there is none yet.
  virtual Result<ports::LogChunk> stage_log(const RolloutId& id, const std::string& stage,
                                            std::uint64_t from_offset, Duration wait) = 0;
  virtual Result<ports::LogChunk> logs(const std::string& instance,
                                       const ports::LogQuery& query) = 0;
  /// One command in a copy of the stable release: its environment, volumes and services, no
  /// traffic. It is stopped when `stop` is requested; the answer then is a Conflict.
  virtual Result<int> run(const Act& act, const std::vector<std::string>& argv,
                          const ports::LineSink& sink, const std::stop_token& stop) = 0;
  /// Moves a SQLite file into the PostgreSQL service of the environment (docs/db-move.md). `order`
  /// comes without actor and url. Refused: nothing is deployed there, or no such service.
  virtual Result<ports::MoveReport> move_database(const Act& act, const ports::MoveOrder& order,
                                                  const ports::LineSink& sink,
                                                  const std::stop_token& stop) = 0;
  virtual Result<std::vector<EnvEntry>> env(const model::EnvironmentKey& key) = 0;

  virtual Result<std::uint32_t> secret_set(const Act& act, const std::string& name,
                                           std::string_view value) = 0;
  virtual Result<void> secret_remove(const Act& act, const std::string& name) = 0;
  virtual Result<std::vector<ports::SecretInfo>> secrets(const model::EnvironmentKey& key) = 0;
  /// Frees the disk of what no rollback needs; `dry_run` only counts. Returns bytes.
  virtual Result<std::uint64_t> reclaim(const std::string& actor, bool dry_run) = 0;
};

}  // namespace ecluse::control
