#pragma once
// From what a person asks to what the machines are asked: which environment, which spec, which
// gate, where the pipeline begins.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "control/engine.h"

namespace ecluse::control {

struct RolloutOrder {
  model::EnvironmentKey key;
  rollout::Requested request;
  std::optional<pipeline::State> pipeline;
  std::string warnings = {};  ///< about the ecluse.yml it was read from
};

/// Warnings, and what the order's ecluse.yml asks for and nothing serves yet, a line each: said
/// with the ticket, never ignored silently.
std::string notes_on(const RolloutOrder& order);

using ReleaseLookup =
    std::function<std::shared_ptr<const model::Release>(const model::EnvironmentKey&)>;

/// Resolves the ref and reads ecluse.yml from that commit, never from a work tree. Blocking.
Result<RolloutOrder> deploy_order(const Ports& ports, const DeployRequest& request);

/// Takes the stable release of `promote_from`, with this environment's configuration at the same
/// commit. `stable_of` may be called from this thread. Blocking.
Result<RolloutOrder> promote_order(const Ports& ports, const Act& act,
                                   const std::string& confirmation, const ReleaseLookup& stable_of);

/// `to` absent: the release before the stable one.
Result<RolloutOrder> rollback_order(const Engine::Environment& environment, const Act& act,
                                    std::optional<model::ReleaseNumber> to);

/// A fresh generation of the stable release: restart, start, or scale with other counts.
Result<RolloutOrder> again_order(const Engine::Environment& environment, const Act& act,
                                 rollout::Kind kind, const std::map<std::string, int>& instances);

Result<RolloutOrder> stop_order(const Engine::Environment& environment, const Act& act);

/// Approves what waits in `environment`; Refused when the actor is none of the release's approvers
/// (by name, or by `settings.is_member` of a group) or the typed confirmation is wrong.
Result<rollout::Approved> approval(const Engine::Environment& environment, const Act& act,
                                   const RolloutId& rollout, const std::string& confirmation,
                                   const Settings& settings);

/// `promote --now`. Where the judge's silence leaves the decision to people (`inconclusive: ask`,
/// or a rollout that waits undecided), it is an approval: Refused to who is none of the approvers.
Result<rollout::NowAsked> hurry(const Engine::Environment& environment, const Act& act,
                                const Settings& settings);

/// The release a rollback without a number goes to; 0: there is none.
model::ReleaseNumber previous_release(const Engine::Environment& environment);

}  // namespace ecluse::control
