#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "model/fields.h"
#include "pipeline/fields.h"
#include "pipeline/step.h"

namespace ecluse::pipeline {

namespace {
constexpr std::string_view kPhaseNames[] = {"verifying", "checking", "building",
                                            "sealing",   "done",     "failed"};
constexpr std::string_view kEffectNames[] = {"verify", "check", "build", "seal"};
}  // namespace

std::span<const std::string_view> names_of(Phase) {
  return kPhaseNames;
}
std::span<const std::string_view> names_of(EffectKind) {
  return kEffectNames;
}

template <typename V>
void fields(V& v, Effect& x) {
  v("id", x.id);
  v("kind", x.kind);
  v("index", x.index);
  v("attempt", x.attempt);
  v("again_at_ms", x.again_at);
}
template <typename V>
void fields(V& v, State& x) {
  v("id", x.id);
  v("phase", x.phase);
  v("draft", x.draft);
  v("rebuild", x.rebuild);
  v("keep_secrets", x.keep_secrets);
  v("skip_checks_reason", x.skip_checks_reason);
  v("step", x.step);
  v("next_effect", x.next_effect);
  v("pending", x.pending);
  v("stages", x.stages);
  v("reason", x.reason);
}

std::string_view to_string(Phase phase) {
  return kPhaseNames[static_cast<std::size_t>(phase)];
}

std::string to_text(const State& state) {
  return json_fields::text_of(state);
}

Result<State> state_from_text(std::string_view text) {
  try {
    State state;
    json_fields::decode(nlohmann::json::parse(text), state);
    return state;
  } catch (const std::exception& error) {
    return fail(ErrorKind::kInvalid, fmt::format("reading a pipeline: {}", error.what()));
  }
}

}  // namespace ecluse::pipeline
