#pragma once
// The look at a release that runs for the first time: what is examined, and what of it the release
// keeps beside the audit of its files.

#include <optional>
#include <string>

#include "control/ports.h"
#include "rollout/event.h"

namespace ecluse::control {

/// Blocking. A finding that forbids traffic becomes a Refused; what could not be looked at, any
/// other error.
void examine(const Ports& ports, const Settings& settings, const model::Release& release,
             rollout::Ack& ack);

/// `audit` (Release::audit) of a release that is about to be examined. It is barred until its
/// examination has let it pass, also when a crash takes that answer away.
std::string with_examination_due(const std::string& audit);
/// `audit` with the findings of `report`; a later report replaces an earlier one.
std::string with_examination(const std::string& audit, const std::string& report, bool passed);
/// The report that such an audit holds, if that examination let the release pass.
std::optional<std::string> passed_examination(const std::string& audit);

/// Its examination found what must not get traffic.
bool is_blocked(const std::string& audit);
/// No examination let it pass: it is blocked, or its examination never came to its end. It never
/// served, and must not by a rollback.
bool is_barred(const std::string& audit);

}  // namespace ecluse::control
