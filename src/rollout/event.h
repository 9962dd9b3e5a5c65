#pragma once
// What may happen to an environment. Every event has an answer in every state.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "model/key.h"
#include "rollout/effect.h"
#include "rollout/plan.h"
#include "rollout/state.h"

namespace ecluse::rollout {

/// Somebody wants the environment changed. The machine gives the rollout its number.
struct Requested {
  Kind kind = Kind::kDeploy;
  model::ReleaseNumber release = 0;  ///< rollback only: the one to go back to
  Plan plan;                         ///< rollback, start, stop: known at once
  std::string commit;
  std::string actor;
  std::string reason;
  Gate gate = Gate::kNone;
  std::string waits_for;       ///< words for people: "approval by admins"
  std::string without_backup;  ///< why its jobs need none
  std::uint64_t term = 0;      ///< of the control plane that takes it
};

/// The pipeline of rollout `id` is through: its release can be made.
struct Prepared {
  std::string id;
  Plan plan;
  model::ReleaseNumber same_as = 0;  ///< a release that is exactly this one; has_run_jobs()
  std::string note;                  ///< "reused sha256:...", "warm: none, because ..."
};
struct PrepareFailed {
  std::string id;
  std::string reason;
};

struct Approved {
  std::string id;
  std::string actor;
};
/// What the judge says of the release on trial: see is_on_trial(). A rollback or a promotion comes
/// when it is made, once or more often; in Phase::kJudging each ruling is an answer, so then send
/// where things stand.
struct Judged {
  std::string id;  ///< of the rollout; of another one: late, ignored
  Ruling ruling = Ruling::kInconclusive;
  std::string objective;              ///< what decided: "errors > 5%"; empty when nothing did
  std::string reason;                 ///< one sentence for people
  std::string evidence;               ///< JSON text; beyond kVerdictBytesMax it is left out
  std::uint64_t canary_requests = 0;  ///< that were judged; 0 with kInconclusive: no traffic
};

struct AbortAsked {
  std::string actor;
  std::string reason;
};
struct PauseAsked {
  std::string actor;
};
struct ResumeAsked {
  std::string actor;
};
struct NowAsked {  ///< skip the holds, or end the bake
  std::string actor;
  std::string reason;
};
struct MaintenanceAsked {
  bool on = false;
  std::string actor;
};

/// One instance as the runtime sees it.
struct Sighting {
  model::ReleaseNumber release = 0;
  std::string process;
  int index = 0;
  bool running = false;
  std::string address;
  std::uint16_t port = 0;
  bool operator==(const Sighting&) const = default;
};

/// The answer to an effect. Answers to effects that are not pending are late or doubled: ignored.
struct Ack {
  std::uint64_t effect = 0;
  std::optional<Error> error;
  std::string address;                        ///< kStart
  std::uint16_t port = 0;                     ///< kStart
  int exit_code = 0;                          ///< kRunJob
  std::string detail;                         ///< kRunJob: its last line; kBackUp: what it is
  model::ReleaseNumber answered = 0;          ///< kAsk
  int status = 0;                             ///< kAsk
  std::uint64_t in_flight = 0;                ///< kCountInFlight
  std::uint32_t synthetic = 0;                ///< kSynthesize: requests to each release
  std::uint32_t synthetic_errors = 0;         ///< of the new release
  std::uint32_t synthetic_errors_old = 0;     ///< of the old one
  std::string evidence;                       ///< kGather: JSON text
  std::string likely_reason;                  ///< kGather: one sentence
  std::string examination;                    ///< kExamine: its report, for the release
  std::vector<Sighting> sightings;            ///< kObserve
  std::vector<model::ReleaseNumber> latched;  ///< kAskLatch
};

enum class InstanceNews { kStarted, kExited, kCrashLooping, kStopped, kReady, kUnready, kDead };
struct InstanceChanged {
  std::string instance;
  InstanceNews news = InstanceNews::kReady;
  int exit_code = 0;
  std::string detail;
};

/// This process has just started with what was stored.
struct Recovered {};
struct Tick {};

using Event =
    std::variant<Requested, Prepared, PrepareFailed, Approved, AbortAsked, PauseAsked, ResumeAsked,
                 NowAsked, MaintenanceAsked, Judged, Ack, InstanceChanged, Recovered, Tick>;

}  // namespace ecluse::rollout
