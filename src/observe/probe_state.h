#pragma once
// Thresholds of probes, pure: how many answers in a row change a mind, and when to ask next.

#include <algorithm>
#include <utility>

#include "base/time.h"
#include "model/spec.h"

namespace ecluse::observe {

enum class ProbeKind { kReady, kLive };

/// What a probe's answers have amounted to. Readiness has to be earned; life is presumed.
struct ProbeState {
  ProbeKind kind = ProbeKind::kReady;
  bool passing = kind == ProbeKind::kLive;
  bool ever_ok = false;      ///< one answer was good
  bool ever_passed = false;  ///< enough in a row were good
  int successes = 0;         ///< in a row
  int failures = 0;          ///< in a row
  bool operator==(const ProbeState&) const = default;
};

enum class Turn { kNone, kPassed, kFailed };

/// Between attempts until the first readiness: a deploy must not wait for an interval to pass.
constexpr Duration kQuickRetry = std::chrono::milliseconds(50);

/// Takes one answer in. Failures within the start budget count only after a first good answer: an
/// app that still boots is not dead. A turn is reported once, when it happens.
inline Turn record(ProbeState& state, const model::ProbeSpec& spec, bool ok, Duration since_watch) {
  if (ok) {
    state.ever_ok = true;
    state.failures = 0;
    ++state.successes;
    if (state.successes < spec.after) return Turn::kNone;
    state.ever_passed = true;
    return std::exchange(state.passing, true) ? Turn::kNone : Turn::kPassed;
  }
  state.successes = 0;
  if (!state.ever_ok && since_watch < spec.start) return Turn::kNone;
  ++state.failures;
  if (state.failures < spec.fail) return Turn::kNone;
  return std::exchange(state.passing, false) ? Turn::kFailed : Turn::kNone;
}

/// From the end of one attempt to the start of the next.
inline Duration pause_after(const ProbeState& state, const model::ProbeSpec& spec,
                            Duration since_watch) {
  const bool booting = !state.ever_passed && since_watch < spec.start;
  const bool hurry = state.kind == ProbeKind::kReady && booting;
  return hurry ? std::min(kQuickRetry, spec.interval) : spec.interval;
}

}  // namespace ecluse::observe
