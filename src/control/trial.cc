#include "control/trial.h"

#include <algorithm>

namespace ecluse::control {

namespace {
judge::Standing standing_of(ports::Outcome::State state) {
  switch (state) {
    case ports::Outcome::State::kPending:
      return judge::Standing::kOpen;
    case ports::Outcome::State::kOk:
      return judge::Standing::kOk;
    case ports::Outcome::State::kError:
      return judge::Standing::kError;
    case ports::Outcome::State::kCrashed:
      return judge::Standing::kCrashed;
    case ports::Outcome::State::kLeft:
      return judge::Standing::kLeft;
  }
  return judge::Standing::kOpen;
}
}  // namespace

Trial::Trial(std::string rollout, model::ReleaseNumber release, const judge::Objectives& objectives,
             TimePoint began)
    : rollout_(std::move(rollout)), release_(release), began_(began), docket_(objectives) {}

std::optional<judge::Verdict> Trial::hear(const ports::OutcomeBatch& batch, TimePoint now) {
  // The memory the records lived in is gone, and so is whoever would have said how they ended.
  if (!cursor_.epoch.empty() && batch.next.epoch != cursor_.epoch) {
    docket_.forget_open();
    thinned_before_ = tally().thinned;
  }
  gateway_ms_ = batch.now_ms;
  lost_ += batch.lost;
  // A gateway that has no trial any more tells of none that were left out.
  docket_.thin(std::max(tally().thinned, thinned_before_ + batch.thinned));
  if (batch.lost > 0) docket_.miss_some();
  for (const ports::Outcome& outcome : batch.outcomes) {
    if (outcome.probe) continue;
    tell(outcome);
    sketch(outcome);
  }
  cursor_ = batch.next;
  auto verdict = docket_.rule(gateway_ms_);
  if (verdict) verdicts_.emplace_back(now - began_, *verdict);
  note_point(now);
  return verdict;
}

void Trial::tell(const ports::Outcome& outcome) {
  weight_ = static_cast<double>(outcome.weight_ppm) / 1e6;
  judge::Case told{.number = outcome.arrival,
                   .arm = outcome.release == release_ ? judge::Arm::kCanary : judge::Arm::kStable,
                   .weight = weight_,
                   .client = {},
                   .standing = standing_of(outcome.state),
                   .arrived_ms = outcome.arrived_ms,
                   .latency = Duration(outcome.latency_ms)};
  if (outcome.client != 0) told.client = outcome.client;
  docket_.tell(told);
}

void Trial::sketch(const ports::Outcome& outcome) {
  const bool ended = outcome.state != ports::Outcome::State::kPending &&
                     outcome.state != ports::Outcome::State::kLeft;
  if (!ended) return;
  (outcome.release == release_ ? canary_ : stable_).add(Duration(outcome.latency_ms));
}

TrialPoint Trial::point_at(TimePoint now) const {
  const judge::Claims claims = docket_.claims(gateway_ms_);
  const judge::Tally& tally = docket_.judge().tally();
  return {.at = now - began_,
          .weight = weight_,
          .canary = tally.canary,
          .stable = tally.stable,
          .canary_p50_ms = canary_.quantile_ms(0.5),
          .canary_p95_ms = canary_.quantile_ms(0.95),
          .stable_p50_ms = stable_.quantile_ms(0.5),
          .stable_p95_ms = stable_.quantile_ms(0.95),
          .worse = claims.worse(),
          .harmless = claims.harmless()};
}

void Trial::note_point(TimePoint now) {
  const Duration at = now - began_;
  const bool due = points_.empty() || at - points_.back().at >= every_;
  if (!due && (verdicts_.empty() || verdicts_.back().first != at)) return;
  points_.push_back(point_at(now));
  if (points_.size() <= kPointsMax) return;
  std::vector<TrialPoint> fewer;
  for (std::size_t i = 0; i < points_.size(); i += 2) fewer.push_back(points_[i]);
  points_ = std::move(fewer);
  every_ *= 2;
}

}  // namespace ecluse::control
