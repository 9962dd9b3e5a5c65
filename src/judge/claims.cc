#include "judge/claims.h"

#include <algorithm>
#include <cassert>
#include <chrono>

namespace ecluse::judge {

namespace {
// Two tests of one claim share its stake: B is the stronger, C needs no trust in the weight.
constexpr double kRatioShare = 0.92;

bool is_bad(const Objective& objective, const Unit& unit) {
  switch (objective.metric) {
    case Metric::kErrors:
    case Metric::kRelative:
      return unit.error;
    case Metric::kLatency:
      return unit.latency > objective.latency_max;
    case Metric::kCrashes:
      return unit.crashed;
  }
  return false;
}

Held held_to(const Objective& objective) {
  Held held{.objective = objective, .share = {}, .incident = {}, .ratio = {}, .block = {}};
  if (objective.metric == Metric::kRelative) {
    held.ratio.emplace(Direction::kWorse, objective.ratio_max);
    if (objective.ratio_max == 1) held.block.emplace();
  } else {
    held.share.emplace(objective.share_max);
    held.incident.emplace(objective.share_max);
  }
  return held;
}
}  // namespace

double Held::value(bool trust) const {
  if (share) return share->value();
  const double by_ratio = trust ? ratio->value() : 1;
  return block ? kRatioShare * by_ratio + (1 - kRatioShare) * block->value() : by_ratio;
}

/// A comparison learns from far fewer units than a share does, so it gets the largest stake; a
/// crash is so rare when all is well that each one tells much.
double Held::stake() const {
  switch (objective.metric) {
    case Metric::kErrors:
      return 1.9;
    case Metric::kLatency:
      return 0.8;
    case Metric::kCrashes:
      return 0.1;
    case Metric::kRelative:
      return 4;
  }
  return 1;
}

Claims::Claims(Objectives objectives)
    : objectives_(std::move(objectives)),
      shortest_limit_(std::chrono::hours(24)),
      first_requests_(Direction::kNotWorse, objectives_.max_ratio),
      first_errors_(Direction::kNotWorse, objectives_.max_ratio) {
  assert(objectives_.alpha > 0 && objectives_.alpha < 1);
  assert(objectives_.beta > 0 && objectives_.beta < 1);
  for (const Objective& objective : objectives_.abort_when) {
    held_.push_back(held_to(objective));
    stakes_ += held_.back().stake();
    if (objective.metric == Metric::kLatency) {
      shortest_limit_ = std::min(shortest_limit_, objective.latency_max);
    }
  }
}

/// One draw for each client and stage.
void Claims::enter_shares(const Unit& unit) {
  if (unit.draw == Draw::kRepeated || unit.draw == Draw::kUnsampled) return;
  for (Held& held : held_) {
    if (!held.share) continue;
    const bool bad = is_bad(held.objective, unit);
    if (unit.arm == Arm::kStable) {
      held.incident->add(bad);
    } else if (!held.incident->under_way()) {
      held.share->add(bad);
    }
  }
}

/// One draw for each client at all, and each client's first error.
void Claims::enter_comparisons(const Unit& unit) {
  if (unit.draw == Draw::kFirstEver) {
    for (Held& held : held_) {
      if (held.block) held.block->add(unit.arm, unit.error);
    }
    if (unit.error) first_requests_.add(unit.arm, unit.weight);
  }
  if (!unit.first_error) return;
  first_errors_.add(unit.arm, unit.weight);
  for (Held& held : held_) {
    if (held.ratio) held.ratio->add(unit.arm, unit.weight);
  }
}

void Claims::enter_still_open(const Unit& unit) {
  enter(unit);
  if (unit.arm == Arm::kStable) return;
  if (unit.draw == Draw::kFirstEver) first_requests_.add(unit.arm, unit.weight);
  first_errors_.add(unit.arm, unit.weight);
}

double Claims::worse() const {
  double sum = 0;
  for (const Held& held : held_) sum += held.stake() * value(held);
  return held_.empty() ? 0 : sum / stakes_;
}

double Claims::harmless() const {
  return std::min(first_requests_.value(), first_errors_.value());
}

bool Claims::may_promote() const {
  return harmless() >= promote_at() && split_.trusted() &&
         std::ranges::all_of(held_, [](const Held& held) { return held.value(true) <= 1; });
}

const Held* Claims::strongest() const {
  const auto part = [this](const Held& held) { return held.stake() * value(held); };
  const auto best = std::ranges::max_element(held_, {}, part);
  return best == held_.end() ? nullptr : &*best;
}

double Claims::threshold(const Held& held) const {
  return stakes_ / held.stake() / objectives_.alpha;
}

}  // namespace ecluse::judge
