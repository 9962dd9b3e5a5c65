// What the judge's rulings mean to a rollout: docs/rollouts.md, "The judge's word".

#include <fmt/format.h>

#include <algorithm>

#include "rollout/machine.h"

namespace ecluse::rollout {

namespace {
/// A weight that is proven harmless is still held this long: some faults need the new share first.
constexpr Duration kProvenHold = std::chrono::seconds(10);

bool is_weighed(Phase phase) {
  return phase >= Phase::kShifting && phase <= Phase::kBaking && phase != Phase::kSwapping;
}
}  // namespace

bool is_on_trial(const Rollout& r) {
  const bool is_new = r.kind == Kind::kDeploy || r.kind == Kind::kPromote;
  const bool has_an_old_one = r.from != 0 && r.from != r.release && r.from_plan.has_traffic();
  return is_new && has_an_old_one && r.plan.has_traffic() && is_weighed(r.phase);
}

bool Machine::is_proven() const {
  const auto& r = *s_.active;
  return r.verdict && r.verdict->ruling == Ruling::kPromote && !r.paused;
}

/// The old release must be there to take the traffic: when both are red, going back helps nobody,
/// and the ruling waits until it would.
bool Machine::is_condemned() const {
  const auto& r = *s_.active;
  return r.verdict && r.verdict->ruling == Ruling::kRollback && is_on_trial(r) &&
         in_arms(r.release) && any_ready(r.from);
}

void Machine::on(const Judged& judged) {
  if (!s_.active || s_.active->id != judged.id || !is_on_trial(*s_.active)) return;
  auto& r = *s_.active;
  const bool stands = r.verdict && r.verdict->ruling == Ruling::kRollback;
  const bool says_nothing_new =
      r.verdict && judged.ruling == Ruling::kInconclusive && r.phase != Phase::kJudging;
  if (stands || says_nothing_new) return;
  r.verdict = Verdict{judged.ruling, judged.objective, judged.reason, judged.evidence,
                      judged.canary_requests};
  if (judged.evidence.size() > kVerdictBytesMax) r.verdict->evidence.clear();
  if (r.phase == Phase::kJudging && !r.paused && judged.ruling == Ruling::kInconclusive) decide();
}

void Machine::next_weight() {
  s_.active->step += 1;
  enter(Phase::kShifting);
}

void Machine::skip_the_holds() {
  s_.active->step = s_.active->plan.weights_ppm.size() - 1;
  enter(Phase::kShifting);
}

void Machine::proceed_when_proven() {
  auto& r = *s_.active;
  if (!is_proven()) return;
  const auto enough = r.entered + std::min(kProvenHold, r.plan.hold);
  if (now_ >= enough) return next_weight();
  r.deadline = std::min(enough, r.deadline.value_or(enough));
}

void Machine::hold_is_over() {
  const auto& r = *s_.active;
  const bool was_the_last = r.step + 2 >= r.plan.weights_ppm.size();
  if (was_the_last && is_on_trial(r) && !is_proven()) return enter(Phase::kJudging);
  next_weight();
}

/// The holds are over and neither claim is proven.
void Machine::decide() {
  auto& r = *s_.active;
  const bool unheard = !r.verdict;
  const bool no_traffic = !unheard && r.verdict->canary_requests == 0;
  const auto why = unheard      ? std::string("the judge gave no answer")
                   : no_traffic ? std::string("no request came to be judged")
                                : fmt::format("nothing was proven: {}", r.verdict->reason);
  r.stages.back().detail = why;
  const auto promote = [&] {
    r.stages.back().detail +=
        "; promoted, as the policy says, and judged on while the old release is warm";
    skip_the_holds();
  };
  if (no_traffic) {
    switch (r.plan.no_traffic) {
      case model::NoTraffic::kPromote:
        return promote();
      case model::NoTraffic::kHold:
        return stay_undecided(why);
      case model::NoTraffic::kProbe:
        stay_undecided(why);
        issue({.kind = EffectKind::kSynthesize, .release = r.release});
        return;
    }
  }
  switch (r.plan.inconclusive) {
    case model::Inconclusive::kPromote:
      return promote();
    case model::Inconclusive::kHold:
    case model::Inconclusive::kAsk:
      return stay_undecided(why);
    case model::Inconclusive::kProbe:
      stay_undecided(why);
      issue({.kind = EffectKind::kSynthesize, .release = r.release});
      return;
  }
}

void Machine::stay_undecided(const std::string& why) {
  s_.active->decided = false;
  enter(Phase::kUndecided);
  s_.active->stages.back().detail = why;
}

/// Synthetic requests: a release that fails what the old one answers is bad, one that answers all
/// is as good as can be known without users; anything else is for a person.
void Machine::synthesized(const Ack& ack) {
  if (!s_.active || s_.active->phase != Phase::kUndecided) return;
  auto& r = *s_.active;
  const auto said = fmt::format("{} of {} synthetic requests failed, {} of the old release's",
                                ack.synthetic_errors, ack.synthetic, ack.synthetic_errors_old);
  r.stages.back().detail = said;
  if (ack.synthetic_errors > 0 && ack.synthetic_errors_old == 0) return abort(said);
  if (ack.synthetic > 0 && ack.synthetic_errors == 0 && !r.paused) skip_the_holds();
}

}  // namespace ecluse::rollout
