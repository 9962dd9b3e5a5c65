#pragma once
// One environment: what serves, what is moving, what waits. Plain values; stored whole.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/key.h"
#include "rollout/effect.h"
#include "rollout/plan.h"

namespace ecluse::rollout {

enum class Kind { kDeploy, kPromote, kRollback, kRestart, kScale, kStop, kStart };
enum class Gate { kNone, kApproval, kConfirm };

/// Where a rollout stands. docs/rollouts.md draws it.
enum class Phase {
  kQueued,            ///< behind another one; its pipeline may already run
  kPreparing,         ///< its pipeline runs
  kGated,             ///< waits for a person
  kEnsuringServices,  ///
  kBackingUp,         ///< before jobs that want it; proven by a restore
  kHoldingRequests,   ///< acknowledged, before a blocking job
  kReleaseJobs,
  kStarting,  ///< instances with traffic
  kProbing,
  kExamining,  ///< an artifact that runs for the first time is looked at
  kShifting,   ///< to weights_ppm[step]
  kHolding,    ///< at weights_ppm[step]
  kJudging,    ///< the holds are over: what does the judge say?
  kUndecided,  ///< nothing was proven, and the policy is to wait
  kVerifying,
  kSwapping,         ///< warm rollback: the pointer swap, before its commit
  kCommitting,       ///< waits until it is durable that the new release is the stable one
  kStoppingWorkers,  ///< of the old release
  kStartingWorkers,  ///< of the new one
  kDraining,         ///< the old release's requests in flight
  kBaking,           ///< the old release stays warm
  kDetachingOld,     ///< out of the route table, acknowledged, before
  kStoppingOld,
  kAborting,      ///< the new release's weight to 0, acknowledged
  kGathering,     ///< evidence, while there still is something to look at
  kDrainingNew,   ///
  kDetachingNew,  ///< out of the route table, acknowledged, before
  kStoppingNew,   ///
  kRestoring,     ///< workers of the old release
  kClosing,       ///< stop: our page answers
  kDrainingAll,   ///
  kDetachingAll,  ///< out of the route table, acknowledged, before
  kStoppingAll,   ///
  kEnded,         ///< `outcome` says how
};

enum class Outcome { kRunning, kDone, kAborted, kFailed, kSuperseded };

enum class Ruling { kRollback, kPromote, kInconclusive };

/// The judge's newest word about a rollout; a rollback is never overwritten.
struct Verdict {
  Ruling ruling = Ruling::kInconclusive;
  std::string objective;
  std::string reason;
  std::string evidence;  ///< JSON text
  std::uint64_t canary_requests = 0;
  bool operator==(const Verdict&) const = default;
};
constexpr std::size_t kVerdictBytesMax = 64 << 10;

struct Stage {
  std::string name;
  TimePoint began;
  std::optional<TimePoint> ended;
  bool failed = false;
  std::string detail;
  bool operator==(const Stage&) const = default;
};

struct Rollout {
  std::string id;  ///< "lettings/prod@12"
  /// Its name at the gateway: `id` and the control plane's term. A number that a crash took before
  /// it was written is given again, and a latch must not bind its namesake. Empty: none binds it.
  std::string fence;
  Kind kind = Kind::kDeploy;
  Phase phase = Phase::kQueued;
  model::ReleaseNumber release = 0;   ///< 0 until prepared
  model::ReleaseNumber from = 0;      ///< what served when it left the gate
  model::ReleaseNumber previous = 0;  ///< State::stable then: differs from `from` when stopped
  Plan plan;
  Plan from_plan;
  bool run_jobs = false;
  std::string without_backup;  ///< why somebody wants none before the jobs; empty: it is wanted
  std::string commit;
  std::string actor;
  std::string asked_because;
  Gate gate = Gate::kNone;
  bool approved = false;
  std::string waits_for;
  bool prepared = false;
  bool paused = false;
  bool now = false;  ///< holds and bake are skipped
  std::string hurried_because;
  bool committed = false;
  std::size_t step = 0;         ///< which weight, which job
  std::uint64_t await = 0;      ///< site sequence whose acknowledgement the phase waits for
  std::string latch;            ///< kSwapping: the fence whose release the swap latches out
  std::string suspect;          ///< the instance to look at when it failed
  std::string abort_when_safe;  ///< an abort that waits for a release job to end
  Outcome outcome = Outcome::kRunning;
  std::string reason;    ///< why it ended as it did
  std::string evidence;  ///< JSON text of control::FailureEvidence
  std::string likely_reason;
  std::optional<Verdict> verdict;
  bool decided = false;  ///< kUndecided: by a person
  TimePoint began;
  TimePoint entered;                  ///< the phase
  std::optional<TimePoint> deadline;  ///< of the phase
  std::vector<Stage> stages;
  bool operator==(const Rollout&) const = default;
};

enum class InstanceStanding { kStarting, kRunning, kStopping };

struct Instance {
  model::ReleaseNumber release = 0;
  std::string process;
  int index = 1;
  bool traffic = false;
  InstanceStanding standing = InstanceStanding::kStarting;
  std::string address;
  std::uint16_t port = 0;
  bool ready = false;
  bool was_ready = false;
  int exits = 0;
  std::optional<int> last_exit;
  std::uint64_t started_by = 0;  ///< the newest kStart
  bool operator==(const Instance&) const = default;
};

struct ArmShare {
  model::ReleaseNumber release = 0;
  std::uint32_t weight_ppm = 0;
  bool operator==(const ArmShare&) const = default;
};

constexpr std::size_t kJobsDoneMax = 100;

struct State {
  model::EnvironmentKey key;
  model::ReleaseNumber stable = 0;  ///< committed; 0: nothing yet
  Plan stable_plan;
  bool stopped = false;
  bool maintenance = false;
  bool holding = false;        ///< requests wait: a blocking release job runs
  std::vector<ArmShare> arms;  ///< what the gateway shall do
  std::uint64_t sequence = 0;  ///< grows with each decision about the site
  std::uint64_t acked = 0;     ///< the newest sequence that the gateway acknowledged
  std::uint64_t next_effect = 1;
  std::uint64_t next_rollout = 1;
  model::ReleaseNumber next_release = 1;
  /// Whose release jobs have run to their end, or were run for the release they were made from; the
  /// newest kJobsDoneMax. What is not among them runs its jobs (again), under a new number.
  std::vector<model::ReleaseNumber> jobs_done;
  std::vector<Instance> instances;
  std::vector<Effect> pending;
  std::optional<Rollout> active;
  std::optional<Rollout> queued;
  std::vector<Rollout> ended;  ///< by the last step; the control plane files them away
  /// Set by Recovered, and when the gateway refuses a decision, until it said what it has latched:
  /// nothing is decided meanwhile.
  bool recovering = false;
  std::uint32_t refusals = 0;  ///< by the gateway, in a row
  bool operator==(const State&) const = default;
};

std::string_view to_string(Kind kind);
std::string_view to_string(Phase phase);
std::string_view to_string(Outcome outcome);
std::string_view to_string(EffectKind kind);
std::string_view to_string(Ruling ruling);

std::string instance_id(const State& state, const Instance& instance);
const Instance* find_instance(const State& state, std::string_view id);
bool has_run_jobs(const State& state, model::ReleaseNumber release);
/// Releases of which the old one may take the traffic back by a pointer swap.
std::vector<model::ReleaseNumber> warm_releases(const State& state);

}  // namespace ecluse::rollout
