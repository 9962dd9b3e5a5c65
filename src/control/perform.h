#pragma once
// An effect of a rollout or a pipeline, done: ports are called, an answer comes back. Runs on a
// worker; knows nothing of the engine.

#include <memory>

#include "control/ports.h"
#include "pipeline/step.h"
#include "rollout/event.h"
#include "rollout/state.h"

namespace ecluse::control {

/// Everything an effect needs, copied when it was issued.
struct Order {
  rollout::Effect effect;
  model::EnvironmentKey key;
  std::string rollout;                            ///< its stage log
  std::shared_ptr<const model::Release> release;  ///< of the effect
  std::shared_ptr<const model::Release> leading;  ///< of the site: who may enter, its pages
  /// Those of the site's arms: their static folders.
  std::vector<std::shared_ptr<const model::Release>> routed;
  ports::Site site;
  ports::Fence fence;
  model::ReleaseNumber from = 0;  ///< kSynthesize: the old release
  rollout::Instance instance;     ///< kGather
  std::optional<Duration> lived;  ///< kGather
  bool ensure_services = false;   ///< kStart outside of a rollout
};
rollout::Ack perform(const Ports& ports, const Settings& settings, const Order& order);

/// What sealing a release learns beside its secret versions, for admission.
struct SealFacts {
  MachineFacts machine;
  std::optional<std::uint32_t> connections_max;
};
struct PipelineAnswer {
  pipeline::Ack ack;
  SealFacts facts;  ///< kSeal
};
PipelineAnswer perform(const Ports& ports, const Settings& settings, const pipeline::State& state,
                       const pipeline::Effect& effect);

}  // namespace ecluse::control
