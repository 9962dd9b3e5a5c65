// Why a wish cannot be granted.

#include <fmt/format.h>

#include "rollout/machine.h"

namespace ecluse::rollout {

std::optional<Error> refusal(const State& state, const Event& event) {
  const auto refuse = [](std::string message, std::string hint = {}) {
    return Error{ErrorKind::kRefused, std::move(message), std::move(hint)};
  };
  const auto environment = to_string(state.key);
  if (const auto* asked = std::get_if<Requested>(&event)) {
    const bool needs_stable = asked->kind == Kind::kRestart || asked->kind == Kind::kScale ||
                              asked->kind == Kind::kStop || asked->kind == Kind::kStart;
    if (needs_stable && state.stable == 0)
      return refuse(fmt::format("nothing is deployed to {}", environment), "ecluse deploy");
    if (asked->kind == Kind::kStop && state.stopped)
      return refuse(fmt::format("{} is stopped already", environment), "ecluse start");
    if (asked->kind == Kind::kStart && !state.stopped)
      return refuse(fmt::format("{} runs already", environment), "ecluse restart");
    return std::nullopt;
  }
  if (const auto* approved = std::get_if<Approved>(&event)) {
    if (awaiting_approval(state, approved->id) != nullptr) return std::nullopt;
    return refuse(fmt::format("{} does not wait for an approval", approved->id));
  }
  const bool about_the_active =
      std::holds_alternative<AbortAsked>(event) || std::holds_alternative<PauseAsked>(event) ||
      std::holds_alternative<ResumeAsked>(event) || std::holds_alternative<NowAsked>(event);
  if (about_the_active && !state.active)
    return refuse(fmt::format("no rollout is running in {}", environment));
  if (!about_the_active) return std::nullopt;
  const auto& r = *state.active;
  if (std::holds_alternative<AbortAsked>(event)) {
    if (is_aborting(r.phase)) return refuse(fmt::format("{} is being aborted already", r.id));
    const bool too_late = r.phase == Phase::kDetachingOld || r.phase == Phase::kStoppingOld;
    if (too_late || r.kind == Kind::kStop || r.phase == Phase::kSwapping)
      return refuse(
          fmt::format("{} is {} and cannot be aborted any more", r.id, to_string(r.phase)),
          "ecluse rollback");
    return std::nullopt;
  }
  if (is_aborting(r.phase)) return refuse(fmt::format("{} is being aborted", r.id));
  if (std::holds_alternative<ResumeAsked>(event) && !r.paused)
    return refuse(fmt::format("{} is not paused", r.id));
  return std::nullopt;
}

}  // namespace ecluse::rollout
