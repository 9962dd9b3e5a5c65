#pragma once
// What each phase is, in one table: how long it may take, what happens then, what an abort does to
// it, whether it may be paused. Internal to rollout/.

#include <optional>
#include <string_view>

#include "rollout/state.h"

namespace ecluse::rollout {

enum class IfAborted {
  kEnd,              ///< nothing of the new release has traffic yet
  kEndAfterTheJob,   ///< a migration is not killed half way
  kTakeTrafficBack,  ///< weight 0, acknowledged, then the way back
  kIgnore,           ///< too late, or on its way back already
};

enum class IfOverdue {
  kAbort,   ///< with `complaint`
  kGoOn,    ///< the hold is over
  kDecide,  ///< without the judge's answer
  kDrop,    ///< what it still waits for
  kBakeIsOver,
  kEnd,    ///< as aborted, with `complaint`
  kNever,  ///< it ends when the world obeys, for as long as that takes
};

struct PhaseRow {
  Phase phase;
  IfAborted if_aborted;
  IfOverdue if_overdue;
  bool can_pause;
  bool is_aborting;
  /// Of State::active; nothing: it cannot be given up.
  std::optional<Duration> (*budget)(const State& state);
  std::string_view complaint = {};  ///< may name {took}, {job}, {release}, {waiting}
};

const PhaseRow& row_of(Phase phase);

}  // namespace ecluse::rollout
