#pragma once
// From a commit to a release: checks (the first failure stops), build, secrets pinned. Or from an
// artifact that exists (promote, rollback, restart): it is verified, and rebuilt only where a part
// has variables inlined per environment, which the release then says. Pure; docs/rollouts.md.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/release.h"

namespace ecluse::pipeline {

enum class Phase {
  kVerifying,  ///< the artifact that exists is complete
  kChecking,   ///< check `step`
  kBuilding,
  kSealing,  ///< which secret versions the release pins
  kDone,
  kFailed,
};

enum class EffectKind { kVerify, kCheck, kBuild, kSeal };

/// Idempotent; issued again under the same id when no answer came by `again_at`.
struct Effect {
  std::uint64_t id = 0;
  EffectKind kind = EffectKind::kVerify;
  std::size_t index = 0;  ///< kCheck
  std::uint32_t attempt = 0;
  TimePoint again_at;
  bool operator==(const Effect&) const = default;
};

struct Stage {
  std::string name;
  TimePoint began;
  std::optional<TimePoint> ended;
  bool failed = false;
  bool skipped = false;
  std::string detail;
  bool operator==(const Stage&) const = default;
};

struct State {
  std::string id;  ///< of the rollout it is for
  Phase phase = Phase::kChecking;
  model::Release draft;       ///< grows into the release; its number comes from the rollout machine
  bool rebuild = false;       ///< an artifact exists but must be built for this environment
  bool keep_secrets = false;  ///< rollback: the versions that the release has pinned
  std::string skip_checks_reason;
  std::size_t step = 0;
  std::uint64_t next_effect = 1;
  std::optional<Effect> pending;
  std::vector<Stage> stages;
  std::string reason;  ///< why it failed
  bool operator==(const State&) const = default;
};

struct Started {};
/// The answer to an effect; any other than the pending one's is late and ignored.
struct Ack {
  std::uint64_t effect = 0;
  std::optional<Error> error;
  int exit_code = 0;                                     ///< kCheck
  std::optional<double> coverage;                        ///< kCheck
  std::string last_lines;                                ///< kCheck
  model::Artifact artifact;                              ///< kBuild
  std::map<std::string, std::uint32_t> secret_versions;  ///< kSeal
};
struct Recovered {};
struct Tick {};
using Event = std::variant<Started, Ack, Recovered, Tick>;

struct Step {
  State next;
  std::vector<Effect> effects;
};

/// Total. The draft says where to begin: with an artifact it is verified, else it is built.
Step step(const State& state, const Event& event, TimePoint now);
std::optional<TimePoint> deadline(const State& state);

std::string_view to_string(Phase phase);
std::string to_text(const State& state);
Result<State> state_from_text(std::string_view text);

}  // namespace ecluse::pipeline
