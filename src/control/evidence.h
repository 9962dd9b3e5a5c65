#pragma once
// Everything a failed start can tell, gathered while there is still something to look at.

#include <string>

#include "control/launch.h"
#include "control/operations.h"

namespace ecluse::control {

/// Blocking: asks prober and runtime. Lines are redacted. What cannot be had is left empty: a
/// failure must not hide another.
FailureEvidence gather_evidence(const Ports& ports, const Settings& settings,
                                const model::Release& release, const rollout::Instance& instance,
                                std::optional<Duration> lived);

std::string to_text(const FailureEvidence& evidence);
Result<FailureEvidence> evidence_from_text(std::string_view text);

}  // namespace ecluse::control
