#pragma once
// What people see of the machines' states.

#include "control/engine.h"
#include "control/metrics_text.h"
#include "control/operations.h"

namespace ecluse::control {

/// `now` and `wall` are the same instant: the machines know ecluse time, people wall time.
RolloutView view_of(const model::EnvironmentKey& key, const Record& record, TimePoint now);
/// Without usage, services and counters, which must be asked of the ports.
EnvironmentView view_of(const Engine::Environment& environment, const Engine& engine,
                        TimePoint now);
/// Digests that no reclaiming may touch: of releases that can be rolled back to, that run, or that
/// are on their way.
std::set<std::string> pinned_artifacts(const Engine& engine);
/// Versions of a secret that a release which is kept, or one being made, runs with.
std::set<std::uint32_t> pinned_versions(const Engine& engine, const model::EnvironmentKey& key,
                                        const std::string& secret);
/// What the engine knows of them: instances and rollouts.
PlatformMeasures measures_of(const Engine& engine);
std::vector<ReleaseView> releases_of(const Engine::Environment& environment);

}  // namespace ecluse::control
