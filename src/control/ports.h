#pragma once
// Everything the control plane reaches the world through. main.cc fills it with adapters, sim/ with
// twins.

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/spec.h"
#include "ports/backups.h"
#include "ports/builder.h"
#include "ports/clock.h"
#include "ports/database_move.h"
#include "ports/examination.h"
#include "ports/measurements.h"
#include "ports/outcomes.h"
#include "ports/prober.h"
#include "ports/runtime.h"
#include "ports/secrets.h"
#include "ports/services.h"
#include "ports/store.h"
#include "ports/traffic.h"
#include "ports/vcs.h"

namespace ecluse::control {

/// Output of pipeline stages, to follow while they run. Thread-safe.
class StageLogs {
 public:
  virtual ~StageLogs() = default;
  /// Adds one line, already redacted.
  virtual void append(const std::string& rollout, const std::string& stage,
                      std::string_view line) = 0;
  /// Waits at most `wait` for something behind `from_offset`.
  virtual Result<ports::LogChunk> read(const std::string& rollout, const std::string& stage,
                                       std::uint64_t from_offset, Duration wait) = 0;
};

/// What admission must know of the machine.
struct MachineFacts {
  std::uint64_t memory_bytes_total = 0;
  std::uint64_t memory_bytes_available = 0;
};

/// What ecluse.yml says, and what is doubtful in it, rendered for people; or empty.
struct ParsedApp {
  model::AppSpec spec;
  std::string warnings;
};

/// What the audit of a commit found for one environment.
struct Audit {
  std::string report;                 ///< kept with the release, as JSON
  std::vector<std::string> blocking;  ///< "shop/settings.py:12: DB-001: ...", one a finding
};

/// References: the caller keeps everything alive longer than the Plane.
struct Ports {
  ports::Clock& clock;
  ports::Runtime& runtime;
  ports::Traffic& traffic;
  ports::Prober& prober;
  ports::Store& store;
  ports::Vcs& vcs;
  ports::Builder& builder;
  ports::Services& services;
  ports::Secrets& secrets;
  StageLogs& stage_logs;
  /// ecluse.yml as text to the app; errors carry file:line:column and every finding.
  std::function<Result<ParsedApp>(std::string_view text, const std::string& file)> parse;
  ports::Backups* backups = nullptr;  ///< null: none can be made
  /// Of releases on trial; null: the judge hears nothing, and no rollout is judged.
  ports::Outcomes* outcomes = nullptr;
  /// Reads the commit's files and runs nothing; absent: nothing is audited and nothing blocks.
  std::function<Result<Audit>(const model::Commit&, const model::EnvironmentSpec&)> audit;
  /// Looks at a release as it runs. Blocking, bounded; absent: nothing is examined.
  std::function<Result<ports::Examination>(const ports::ExaminationOrder&)> examine = {};
  /// Blocking; progress by lines; absent: `db move` is refused.
  std::function<Result<ports::MoveReport>(const ports::MoveOrder&, const ports::LineSink&,
                                          const std::stop_token&)>
      move_database;
  /// Null: nothing is known of the requests of releases.
  ports::Measurements* measurements = nullptr;
};

/// Where things lie and how the machine is; all optional.
struct Settings {
  std::string layers_root;   ///< "<data>/layers": what release jobs wrote, layers/APP/ENV/N
  std::string volumes_root;  ///< "<data>/volumes": volumes/APP/ENV/NAME
  /// The port of a process that names none; 8080 for all where each instance has a network of its
  /// own.
  std::function<std::uint16_t(const std::string& instance)> port_for;
  std::function<MachineFacts()> machine;
  /// Whether a person is in a group; absent: nobody is in any.
  std::function<bool(const std::string& person, const std::string& group)> is_member;
  /// mkdir -p, for layers and volumes; absent: the runtime makes them.
  std::function<Result<void>(const std::string& folder)> make_folder;
  /// Of each environment's rollouts: each that ends lets go of the record, and of the trial, of the
  /// one so many numbers before it. The audit log keeps all.
  std::uint64_t records_kept = 500;
  std::uint64_t trials_kept = 50;
};

}  // namespace ecluse::control
