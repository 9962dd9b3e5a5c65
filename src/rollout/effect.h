#pragma once
// What a step asks the world to do. An effect is in State::pending from the step that issues it
// until it is acknowledged; it is idempotent and is issued again, under the same id, when no answer
// came by `again_at` and after a crash. So a lost effect cannot exist.

#include <cstdint>
#include <string>

#include "base/time.h"
#include "model/key.h"

namespace ecluse::rollout {

enum class EffectKind {
  kAskLatch,        ///< recovery: was an abort latched in the gateway that we did not record?
  kObserve,         ///< what runs, by the runtime's own word
  kEnsureServices,  ///< of `release`
  kBackUp,          ///< of the environment, before the jobs of `release`
  kRunJob,          ///< release job `index` of `release`
  kStart,           ///< instance `process`, `index` of `release`
  kStop,            ///< the same; unsafe: only from a state entered after its detachment was acked
  kApplySite,       ///< the arms of the state at `sequence`
  kAbortSite,       ///< as kApplySite, latching that `release` gets nothing more from `fence`
  kAsk,             ///< one request through the gateway to `release`
  kCheckpoint,      ///< nothing but an answer: the state that issued it is durable
  kDrain,           ///< tell the connections of `release` to finish
  kCountInFlight,   ///< of `release`
  kSynthesize,      ///< requests of our own through the gateway, to `release` and to the old one
  kGather,          ///< the evidence of a failure, of instance `process`, `index` of `release`
  kExamine,         ///< look at `release` as it runs, by instances of the examination's own
};

struct Effect {
  std::uint64_t id = 0;
  EffectKind kind = EffectKind::kObserve;
  model::ReleaseNumber release = 0;
  std::string process;
  int index = 0;
  std::uint64_t sequence = 0;  ///< of the site decision
  std::string fence;           ///< Rollout::fence of what binds a site decision
  std::uint32_t attempt = 0;
  TimePoint again_at;  ///< issued again then, unless acknowledged
  bool operator==(const Effect&) const = default;
};

/// It ends something that runs, so it must never be in one list with a decision about traffic.
constexpr bool is_unsafe(EffectKind kind) {
  return kind == EffectKind::kStop;
}
constexpr bool is_site_decision(EffectKind kind) {
  return kind == EffectKind::kApplySite || kind == EffectKind::kAbortSite;
}
/// Starts before its commit: a slow or full disk must not delay a rollback.
constexpr bool is_urgent(EffectKind kind) {
  return kind == EffectKind::kAbortSite;
}

}  // namespace ecluse::rollout
