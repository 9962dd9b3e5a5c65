#include "rollout/phase.h"

#include <algorithm>
#include <array>

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

using Budget = std::optional<Duration>;

template <const Duration& kMost>
Budget at_most(const State&) {
  return kMost;
}
/// Its effects are issued again, with back-off, until the world obeys: a decision about traffic,
/// the end of a process, the disk.
Budget unlimited(const State&) {
  return std::nullopt;
}
template <Duration Plan::* kMost>
Budget as_planned(const State& state) {
  return state.active->plan.*kMost;
}
Budget of_the_job(const State& state) {
  const auto& r = *state.active;
  return r.plan.jobs.at(r.step).timeout + kJobSlack;
}
Budget drain_of_the_old(const State& state) {
  return state.active->from_plan.drain;
}
Budget drain_of_the_stable(const State& state) {
  return state.stable_plan.drain;
}

constexpr bool kPausable = true;
constexpr bool kUnpausable = false;
constexpr bool kForward = false;
constexpr bool kBackward = true;

constexpr auto kRows = std::to_array<PhaseRow>({
    {Phase::kQueued, IfAborted::kEnd, IfOverdue::kNever, kUnpausable, kForward, unlimited},
    {Phase::kPreparing, IfAborted::kEnd, IfOverdue::kAbort, kUnpausable, kForward,
     at_most<kPrepareMax>, "the pipeline did not end within {took}"},
    {Phase::kGated, IfAborted::kEnd, IfOverdue::kAbort, kUnpausable, kForward, at_most<kGateMax>,
     "nobody approved within {took}"},
    {Phase::kEnsuringServices, IfAborted::kEnd, IfOverdue::kAbort, kUnpausable, kForward,
     at_most<kServicesMax>, "its services were not healthy within {took}"},
    {Phase::kBackingUp, IfAborted::kEnd, IfOverdue::kAbort, kUnpausable, kForward,
     at_most<kBackupMax>, "there was no proven backup within {took}"},
    {Phase::kHoldingRequests, IfAborted::kEnd, IfOverdue::kAbort, kUnpausable, kForward,
     at_most<kShiftMax>, "the gateway did not hold the requests within {took}"},
    {Phase::kReleaseJobs, IfAborted::kEndAfterTheJob, IfOverdue::kAbort, kUnpausable, kForward,
     of_the_job, "release job `{job}` did not end within {took}"},
    {Phase::kStarting, IfAborted::kTakeTrafficBack, IfOverdue::kAbort, kUnpausable, kForward,
     at_most<kStartMax>, "its instances did not start within {took}"},
    {Phase::kProbing, IfAborted::kTakeTrafficBack, IfOverdue::kAbort, kPausable, kForward,
     as_planned<&Plan::start_budget>, "not ready within {took}: {waiting}"},
    {Phase::kExamining, IfAborted::kTakeTrafficBack, IfOverdue::kAbort, kUnpausable, kForward,
     at_most<kExamineMax>,
     "its examination gave no answer, or it was not ready again, within {took}: deploy it again"},
    {Phase::kShifting, IfAborted::kTakeTrafficBack, IfOverdue::kAbort, kUnpausable, kForward,
     at_most<kShiftMax>, "the gateway did not acknowledge the weight within {took}"},
    {Phase::kHolding, IfAborted::kTakeTrafficBack, IfOverdue::kGoOn, kPausable, kForward,
     as_planned<&Plan::hold>},
    {Phase::kJudging, IfAborted::kTakeTrafficBack, IfOverdue::kDecide, kPausable, kForward,
     at_most<kJudgingMax>},
    {Phase::kUndecided, IfAborted::kTakeTrafficBack, IfOverdue::kAbort, kPausable, kForward,
     at_most<kUndecidedMax>, "nobody decided within {took}"},
    {Phase::kVerifying, IfAborted::kTakeTrafficBack, IfOverdue::kAbort, kUnpausable, kForward,
     at_most<kVerifyMax>, "no answer of release {release} came through the gateway within {took}"},
    {Phase::kSwapping, IfAborted::kIgnore, IfOverdue::kNever, kUnpausable, kForward, unlimited},
    {Phase::kCommitting, IfAborted::kTakeTrafficBack, IfOverdue::kNever, kUnpausable, kForward,
     unlimited},
    {Phase::kStoppingWorkers, IfAborted::kTakeTrafficBack, IfOverdue::kAbort, kUnpausable, kForward,
     at_most<kWorkersMax>, "the old release's workers did not stop within {took}"},
    {Phase::kStartingWorkers, IfAborted::kTakeTrafficBack, IfOverdue::kAbort, kUnpausable, kForward,
     at_most<kWorkersMax>, "its workers did not start within {took}"},
    {Phase::kDraining, IfAborted::kTakeTrafficBack, IfOverdue::kDrop, kUnpausable, kForward,
     drain_of_the_old},
    {Phase::kBaking, IfAborted::kTakeTrafficBack, IfOverdue::kBakeIsOver, kPausable, kForward,
     as_planned<&Plan::bake>},
    {Phase::kDetachingOld, IfAborted::kTakeTrafficBack, IfOverdue::kNever, kUnpausable, kForward,
     unlimited},
    {Phase::kStoppingOld, IfAborted::kIgnore, IfOverdue::kNever, kUnpausable, kForward, unlimited},
    {Phase::kAborting, IfAborted::kIgnore, IfOverdue::kNever, kUnpausable, kBackward, unlimited},
    {Phase::kGathering, IfAborted::kIgnore, IfOverdue::kDrop, kUnpausable, kBackward,
     at_most<kGatherMax>},
    {Phase::kDrainingNew, IfAborted::kIgnore, IfOverdue::kDrop, kUnpausable, kBackward,
     as_planned<&Plan::drain>},
    {Phase::kDetachingNew, IfAborted::kIgnore, IfOverdue::kNever, kUnpausable, kBackward,
     unlimited},
    {Phase::kStoppingNew, IfAborted::kIgnore, IfOverdue::kNever, kUnpausable, kBackward, unlimited},
    {Phase::kRestoring, IfAborted::kIgnore, IfOverdue::kEnd, kUnpausable, kBackward,
     at_most<kWorkersMax>, "; the old release's workers are still starting"},
    {Phase::kClosing, IfAborted::kIgnore, IfOverdue::kNever, kUnpausable, kForward, unlimited},
    {Phase::kDrainingAll, IfAborted::kIgnore, IfOverdue::kDrop, kUnpausable, kForward,
     drain_of_the_stable},
    {Phase::kDetachingAll, IfAborted::kIgnore, IfOverdue::kNever, kUnpausable, kForward, unlimited},
    {Phase::kStoppingAll, IfAborted::kIgnore, IfOverdue::kNever, kUnpausable, kForward, unlimited},
    {Phase::kEnded, IfAborted::kIgnore, IfOverdue::kNever, kUnpausable, kForward, unlimited},
});

constexpr bool each_stands_at_its_place() {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (static_cast<std::size_t>(kRows[i].phase) != i) return false;
  return kRows.back().phase == Phase::kEnded;
}
static_assert(each_stands_at_its_place());
}  // namespace

const PhaseRow& row_of(Phase phase) {
  return kRows[static_cast<std::size_t>(phase)];
}

bool is_aborting(Phase phase) {
  return row_of(phase).is_aborting;
}

bool is_armed(Phase phase) {
  return phase >= Phase::kStarting && phase <= Phase::kBaking && phase != Phase::kSwapping;
}

std::optional<Duration> Machine::budget(Phase phase) const {
  const auto& row = row_of(phase);
  return s_.active->paused && row.can_pause ? kPauseMax : row.budget(s_);
}

}  // namespace ecluse::rollout
