#pragma once
// Running things: instances that live on when we die, and jobs that run once.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/key.h"
#include "model/spec.h"

namespace ecluse::ports {

struct Mount {
  std::string source;  ///< absolute, on the host
  std::string target;  ///< absolute, inside
  bool writable = false;
  bool operator==(const Mount&) const = default;
};

enum class StopSignal { kTerm, kInt, kQuit };
enum class StopScope { kGroup, kMain };  ///< kMain: PostgreSQL's postmaster, never its children

/// Everything needed to start something and to recognise it later. The environment is written to a
/// file only its user can read, never to argv.
struct Launch {
  std::string id;  ///< unique on the machine, [a-z0-9-]; also names its files
  std::string app;
  std::string environment;
  std::string owner;            ///< "release 7", "service db": for people
  std::string artifact_path;    ///< tree mounted read-only at /app; empty: none
  std::string layer_path;       ///< what release jobs wrote, laid over /app; empty: none
  bool layer_writable = false;  ///< true only for release jobs
  std::string workdir = "/app";
  std::vector<std::string> argv;           ///< exec'd as it is; a shell is the caller's choice
  std::map<std::string, std::string> env;  ///< complete, secrets already looked up
  std::vector<Mount> mounts;               ///< volumes
  std::string user;  ///< accounts are made per name; empty: per app and environment
  std::optional<std::uint16_t> port;  ///< what it will listen on
  model::LimitSpec limits;
  StopSignal stop_signal = StopSignal::kTerm;
  StopScope stop_scope = StopScope::kGroup;
  Duration stop_grace = std::chrono::seconds(30);
  bool restart = true;    ///< the shim restarts it with back-off
  int oom_score_adj = 0;  ///< -900 protects a service
  bool operator==(const Launch&) const = default;
};

enum class InstanceState { kStarting, kRunning, kBackingOff, kCrashLooping, kStopping, kStopped };

struct InstanceStatus {
  std::string id;
  std::string app;
  std::string environment;
  std::string owner;
  InstanceState state = InstanceState::kStopped;
  std::string address;  ///< where others reach it: "10.83.0.2" or "127.0.0.1"
  std::uint16_t port = 0;
  std::uint32_t starts = 0;      ///< 1 after the first start; more: it was restarted
  std::optional<int> last_exit;  ///< 128 + signal; -1 unknown (its shim was gone)
  int pid = 0;
  bool operator==(const InstanceStatus&) const = default;
};

struct Usage {
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_bytes_max = 0;  ///< the limit
  double cpu_s = 0;                    ///< since start
  std::uint32_t pids = 0;
};

struct Listener {
  std::string address;  ///< as bound: "127.0.0.1", "0.0.0.0", "::"
  std::uint16_t port = 0;
};

enum class InstanceChange { kStarted, kExited, kCrashLooping, kStopped };
struct InstanceEvent {
  std::string id;
  InstanceChange change = InstanceChange::kExited;
  int exit_code = 0;  ///< with kExited; -1 unknown
};

using LineSink = std::function<void(std::string_view line)>;

struct LogQuery {
  std::size_t lines_max = 100;    ///< the last ones
  std::uint64_t from_offset = 0;  ///< bytes already seen, to follow; 0 with `lines_max`
  Duration wait{};                ///< when there is nothing to give: for so long, until there is
};
struct LogChunk {
  std::string text;
  std::uint64_t next_offset = 0;
};

/// Thread-safe. All calls block for at most a few seconds beyond what they name; call from a
/// worker. Unavailable: the engine is down or a privilege is missing (the message says which).
class Runtime {
 public:
  virtual ~Runtime() = default;

  /// Starts `launch`, or returns the running one of the same id. Conflict if that id runs something
  /// else. Success means exec() happened, not that it is ready.
  virtual Result<InstanceStatus> start(const Launch& launch) = 0;
  /// Signal, grace, SIGKILL to whatever is left; then forgets it. Idempotent: unknown ids succeed.
  virtual Result<void> stop(const std::string& id) = 0;
  /// Runs to its end in the same surroundings as an instance. `sink` gets each line as it comes,
  /// from this thread. The same id never runs twice at once (Conflict); a job found running from
  /// before a restart of ours is waited for, not started again. Returns its exit code.
  virtual Result<int> run_job(const Launch& launch, Duration timeout, const LineSink& sink) = 0;

  virtual Result<std::vector<InstanceStatus>> list() = 0;
  virtual Result<InstanceStatus> status(const std::string& id) = 0;
  virtual Result<Usage> usage(const std::string& id) = 0;
  /// The TCP ports that it really listens on, of all its processes.
  virtual Result<std::vector<Listener>> listeners(const std::string& id) = 0;
  virtual Result<LogChunk> logs(const std::string& id, const LogQuery& query) = 0;

  /// `on_event` is called from a thread of the runtime's own; it must only hand over. Once.
  virtual void subscribe(std::function<void(const InstanceEvent&)> on_event) = 0;
};

}  // namespace ecluse::ports
