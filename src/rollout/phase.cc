// What a phase is: whether it may be aborted, paused, and how long it may take.

#include "rollout/machine.h"

namespace ecluse::rollout {

namespace {
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kPrepareMax = hours(6);  // pipelines have deadlines of their own; the last line
constexpr Duration kGateMax = hours(24 * 7);
constexpr Duration kServicesMax = minutes(5);
constexpr Duration kBackupMax = hours(2);
constexpr Duration kStartMax = minutes(2);
constexpr Duration kExamineMax = minutes(4);
constexpr Duration kShiftMax = minutes(1);
constexpr Duration kVerifyMax = seconds(15);
constexpr Duration kGatherMax = seconds(10);
constexpr Duration kWorkersMax = minutes(5);
constexpr Duration kJobSlack = minutes(2);
constexpr Duration kJudgingMax = seconds(15);
constexpr Duration kUndecidedMax = hours(24 * 7);
}  // namespace

bool can_pause(Phase phase) {
  return phase == Phase::kProbing || phase == Phase::kHolding || phase == Phase::kJudging ||
         phase == Phase::kUndecided || phase == Phase::kBaking;
}

bool is_aborting(Phase phase) {
  switch (phase) {
    case Phase::kAborting:
    case Phase::kGathering:
    case Phase::kDrainingNew:
    case Phase::kDetachingNew:
    case Phase::kStoppingNew:
    case Phase::kRestoring:
      return true;
    case Phase::kQueued:
    case Phase::kPreparing:
    case Phase::kGated:
    case Phase::kEnsuringServices:
    case Phase::kBackingUp:
    case Phase::kHoldingRequests:
    case Phase::kReleaseJobs:
    case Phase::kStarting:
    case Phase::kProbing:
    case Phase::kExamining:
    case Phase::kShifting:
    case Phase::kHolding:
    case Phase::kJudging:
    case Phase::kUndecided:
    case Phase::kVerifying:
    case Phase::kSwapping:
    case Phase::kCommitting:
    case Phase::kStoppingWorkers:
    case Phase::kStartingWorkers:
    case Phase::kDraining:
    case Phase::kBaking:
    case Phase::kDetachingOld:
    case Phase::kStoppingOld:
    case Phase::kClosing:
    case Phase::kDrainingAll:
    case Phase::kDetachingAll:
    case Phase::kStoppingAll:
    case Phase::kEnded:
      return false;
  }
  return false;
}

bool is_armed(Phase phase) {
  return phase >= Phase::kStarting && phase <= Phase::kBaking && phase != Phase::kSwapping;
}

std::optional<Duration> Machine::budget(Phase phase) const {
  const auto& r = *s_.active;
  if (r.paused && can_pause(phase)) return kPauseMax;
  switch (phase) {
    case Phase::kPreparing:
      return kPrepareMax;
    case Phase::kGated:
      return kGateMax;
    case Phase::kEnsuringServices:
      return kServicesMax;
    case Phase::kReleaseJobs:
      return r.plan.jobs.at(r.step).timeout + kJobSlack;
    case Phase::kStarting:
      return kStartMax;
    case Phase::kProbing:
      return r.plan.start_budget;
    case Phase::kExamining:
      return kExamineMax;
    case Phase::kBackingUp:
      return kBackupMax;
    case Phase::kHoldingRequests:
    case Phase::kShifting:
      return kShiftMax;
    case Phase::kHolding:
      return r.plan.hold;
    case Phase::kJudging:
      return kJudgingMax;
    case Phase::kUndecided:
      return kUndecidedMax;
    case Phase::kVerifying:
      return kVerifyMax;
    case Phase::kStoppingWorkers:
    case Phase::kStartingWorkers:
    case Phase::kRestoring:
      return kWorkersMax;
    case Phase::kDraining:
      return r.from_plan.drain;
    case Phase::kDrainingNew:
      return r.plan.drain;
    case Phase::kDrainingAll:
      return s_.stable_plan.drain;
    case Phase::kBaking:
      return r.plan.bake;
    case Phase::kGathering:
      return kGatherMax;
    // These end when the world obeys and cannot be given up: a decision about traffic, the end of a
    // process, the disk. Their effects are issued again, with back-off, for as long as it takes.
    case Phase::kSwapping:
    case Phase::kCommitting:
    case Phase::kDetachingOld:
    case Phase::kStoppingOld:
    case Phase::kAborting:
    case Phase::kDetachingNew:
    case Phase::kStoppingNew:
    case Phase::kClosing:
    case Phase::kDetachingAll:
    case Phase::kStoppingAll:
    case Phase::kQueued:
    case Phase::kEnded:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace ecluse::rollout
