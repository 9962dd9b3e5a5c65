#include "control/judging.h"

#include <fmt/format.h>

#include "base/log.h"
#include "judge/verdict_json.h"
#include "rollout/step.h"

namespace ecluse::control {

namespace {
/// A read comes back with the canary's first error at once, else after this.
constexpr Duration kReadPatience = std::chrono::milliseconds(100);
constexpr Duration kAgainAfter = std::chrono::milliseconds(500);
/// A read that has not come back by then never will; the judge must not fall silent for it.
constexpr Duration kReadMax = std::chrono::seconds(30);
/// What is not stored is read again after a crash: the gateway keeps the records.
constexpr Duration kStoreEvery = std::chrono::seconds(1);

rollout::Ruling ruling_of(judge::Ruling ruling) {
  switch (ruling) {
    case judge::Ruling::kRollback:
      return rollout::Ruling::kRollback;
    case judge::Ruling::kPromote:
      return rollout::Ruling::kPromote;
    case judge::Ruling::kInconclusive:
      return rollout::Ruling::kInconclusive;
  }
  return rollout::Ruling::kInconclusive;
}

rollout::Judged judged(const std::string& rollout, const judge::Verdict& verdict) {
  return {.id = rollout,
          .ruling = ruling_of(verdict.ruling),
          .objective = verdict.objective,
          .reason = verdict.reason,
          .evidence = judge::to_json(verdict),
          .canary_requests = verdict.canary.requests};
}

judge::Objectives objectives_of(const model::Release& release) {
  judge::Objectives objectives;
  auto abort_when = judge::objectives_of(release.spec.canary.abort_when);
  if (abort_when) {
    objectives.abort_when = *std::move(abort_when);
  } else {
    // ecluse.yml was checked before the release was made, so this is an older ecluse's release.
    log_warn("{}: judged without its limits: {}", to_string(release.key),
             abort_when.error().message);
  }
  return objectives;
}
}  // namespace

std::string trial_store_key(const std::string& rollout) {
  return fmt::format("trial/{}", rollout);
}

const Trial* Judging::trial(const std::string& rollout) const {
  for (const auto& [key, one] : cases_) {
    if (one.trial.rollout() == rollout) return &one.trial;
  }
  return nullptr;
}

void Judging::attend(const rollout::State& state, const model::Release* on_trial,
                     const Stored& stored) {
  if (outcomes_ == nullptr) return;
  const bool wanted = state.active && rollout::is_on_trial(*state.active) && on_trial != nullptr;
  const auto found = cases_.find(state.key);
  if (found != cases_.end() && (!wanted || found->second.trial.rollout() != state.active->id)) {
    end(state.key);
  }
  if (!wanted) return;
  if (!cases_.contains(state.key)) begin(state, on_trial, stored);
  cases_.at(state.key).asked_for_standing = state.active->phase == rollout::Phase::kJudging;
}

void Judging::begin(const rollout::State& state, const model::Release* on_trial,
                    const Stored& stored) {
  const auto& r = *state.active;
  const auto objectives = objectives_of(*on_trial);
  Case one{.trial = Trial(r.id, r.release, objectives, clock_.now())};
  if (const auto text = stored(trial_store_key(r.id))) {
    auto restored = Trial::from_text(r.id, r.release, objectives, *text);
    if (restored) {
      one.trial = *std::move(restored);
    } else {
      log_error("{}: the judge begins anew: {}", r.id, restored.error().message);
    }
  }
  cases_.emplace(state.key, std::move(one));
  read(state.key);
}

void Judging::end(const model::EnvironmentKey& key) {
  const Trial& trial = cases_.at(key).trial;
  courier_.store({{trial_store_key(trial.rollout()), trial.closing_text()}});
  cases_.erase(key);
}

void Judging::read(const model::EnvironmentKey& key) {
  Case& one = cases_.at(key);
  one.reading = true;
  one.reads += 1;
  one.again_at = clock_.now() + kReadMax;
  executor_.run({fmt::format("outcomes {}", to_string(key)), Urgency::kWatch},
                [this, key, rollout = one.trial.rollout(), number = one.reads,
                 cursor = one.trial.cursor(), outcomes = outcomes_]() -> Completion {
                  auto batch = std::make_shared<Result<ports::OutcomeBatch>>(
                      outcomes->read(key, cursor, kReadPatience));
                  return
                      [this, key, rollout, number, batch] { heard(key, rollout, number, *batch); };
                });
}

void Judging::heard(const model::EnvironmentKey& key, const std::string& rollout,
                    std::uint64_t number, const Result<ports::OutcomeBatch>& batch) {
  const auto found = cases_.find(key);
  // An answer that comes late or twice, or to a trial that is over, changes nothing.
  if (found == cases_.end() || found->second.trial.rollout() != rollout ||
      found->second.reads != number || !found->second.reading)
    return;
  Case& one = found->second;
  one.reading = false;
  const TimePoint now = clock_.now();
  if (!batch) {
    one.again_at = now + kAgainAfter;
    return;
  }
  auto verdict = one.trial.hear(*batch, now);
  if (!verdict && one.asked_for_standing) verdict = one.trial.so_far();
  const bool due = now - one.stored_at >= kStoreEvery && !batch->outcomes.empty();
  std::map<std::string, std::string> stored;
  if (verdict || due) {
    stored[trial_store_key(rollout)] = one.trial.to_text();
    one.stored_at = now;
  }
  // The next read goes out first: what the verdict sets off may end this case.
  read(key);
  if (verdict) return courier_.judged(key, judged(rollout, *verdict), std::move(stored));
  if (due) courier_.store(std::move(stored));
}

void Judging::tick(TimePoint now) {
  for (auto& [key, one] : cases_) {
    if (one.again_at <= now) read(key);
  }
}

std::optional<TimePoint> Judging::deadline() const {
  std::optional<TimePoint> first;
  for (const auto& [key, one] : cases_) {
    if (!first || one.again_at < *first) first = one.again_at;
  }
  return first;
}

}  // namespace ecluse::control
