#pragma once
// What a step changed, in the words of the audit log.

#include <string>
#include <vector>

#include "ports/store.h"
#include "rollout/state.h"

namespace ecluse::control {

/// Events for what differs between `before` and `after` (with after.ended). `actor`: who asked.
std::vector<ports::StoredEvent> audit(const rollout::State& before, const rollout::State& after,
                                      const std::string& actor, TimePoint at, WallTime wall);

/// One event with a body of plain text fields.
ports::StoredEvent event_of(const std::string& subject, const std::string& kind,
                            const std::string& actor,
                            const std::vector<std::pair<std::string, std::string>>& body,
                            TimePoint at, WallTime wall);

}  // namespace ecluse::control
