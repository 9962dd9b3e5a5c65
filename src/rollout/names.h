#pragma once
// The words for the machine's enums, in state files, events and on screens.

#include <span>
#include <string_view>

#include "rollout/state.h"

namespace ecluse::rollout {

inline constexpr std::string_view kKindNames[] = {"deploy", "promote", "rollback", "restart",
                                                  "scale",  "stop",    "start"};
inline constexpr std::string_view kGateNames[] = {"none", "approval", "confirm"};
inline constexpr std::string_view kPhaseNames[] = {"queued",
                                                   "preparing",
                                                   "gated",
                                                   "ensuring services",
                                                   "backing up",
                                                   "holding requests",
                                                   "release jobs",
                                                   "starting",
                                                   "probing",
                                                   "examining",
                                                   "shifting",
                                                   "holding",
                                                   "judging",
                                                   "undecided",
                                                   "verifying",
                                                   "swapping",
                                                   "committing",
                                                   "stopping workers",
                                                   "starting workers",
                                                   "draining",
                                                   "baking",
                                                   "detaching old",
                                                   "stopping old",
                                                   "aborting",
                                                   "gathering evidence",
                                                   "draining new",
                                                   "detaching new",
                                                   "stopping new",
                                                   "restoring workers",
                                                   "closing",
                                                   "draining all",
                                                   "detaching all",
                                                   "stopping all",
                                                   "ended"};
inline constexpr std::string_view kOutcomeNames[] = {"running", "done", "aborted", "failed",
                                                     "superseded"};
inline constexpr std::string_view kStandingNames[] = {"starting", "running", "stopping"};
inline constexpr std::string_view kEffectNames[] = {
    "ask latch",  "observe", "ensure services", "back up",    "run job",
    "start",      "stop",    "apply site",      "abort site", "ask",
    "checkpoint", "drain",   "count in flight", "synthesize", "gather",
    "examine"};
inline constexpr std::string_view kRulingNames[] = {"rollback", "promote", "inconclusive"};

using Names = std::span<const std::string_view>;
inline Names names_of(Kind) {
  return kKindNames;
}
inline Names names_of(Gate) {
  return kGateNames;
}
inline Names names_of(Phase) {
  return kPhaseNames;
}
inline Names names_of(Outcome) {
  return kOutcomeNames;
}
inline Names names_of(Ruling) {
  return kRulingNames;
}
inline Names names_of(InstanceStanding) {
  return kStandingNames;
}
inline Names names_of(EffectKind) {
  return kEffectNames;
}

}  // namespace ecluse::rollout
