#include "judge/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace ecluse::judge {

namespace {
// Two tests of one claim share its stake: B is the stronger, C needs no trust in the weight.
constexpr double kRatioShare = 0.92;
// A comparison learns from far fewer units than a share does, so it gets the larger stake.
constexpr double kRelativeStake = 4;

std::string percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "none";
  return fmt::format("{:.3g} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string_view thing_of(Metric metric) {
  switch (metric) {
    case Metric::kErrors:
    case Metric::kRelative:
      return "failed";
    case Metric::kLatency:
      return "were too slow";
    case Metric::kCrashes:
      return "died with their instance";
  }
  return "";
}
}  // namespace

double Judge::Held::value(bool weights_hold) const {
  if (share) return share->value();
  const double by_ratio = weights_hold ? ratio->value() : 1;
  return block ? kRatioShare * by_ratio + (1 - kRatioShare) * block->value() : by_ratio;
}

double Judge::Held::stake() const {
  return ratio ? kRelativeStake : 1;
}

Judge::Judge(Objectives objectives)
    : objectives_(std::move(objectives)), harmless_(Direction::kNotWorse, objectives_.max_ratio) {
  assert(objectives_.alpha > 0 && objectives_.alpha < 1);
  assert(objectives_.beta > 0 && objectives_.beta < 1);
  for (const Objective& objective : objectives_.abort_when) {
    Held held{.objective = objective, .share = {}, .ratio = {}, .block = {}};
    if (objective.metric == Metric::kRelative) {
      held.ratio.emplace(Direction::kWorse, objective.ratio_max);
      if (objective.ratio_max == 1) held.block.emplace();
    } else {
      held.share.emplace(objective.share_max);
    }
    held_.push_back(std::move(held));
  }
}

std::optional<Verdict> Judge::observe(const Request& request) {
  count(request);
  draw(request);
  if (request.error) add_error(request);
  if (made_) return std::nullopt;
  const auto ruled = ruling();
  if (!ruled) return std::nullopt;
  made_ = verdict(*ruled);
  return made_;
}

Verdict Judge::so_far() const {
  return made_ ? *made_ : verdict(Ruling::kInconclusive);
}

void Judge::count(const Request& request) {
  events_ += 1;
  ArmCount& arm = request.arm == Arm::kCanary ? canary_ : stable_;
  arm.requests += 1;
  arm.errors += request.error ? 1 : 0;
  if (request.weight != stage_weight_) {
    stage_weight_ = request.weight;
    stage_ += 1;
  }
}

/// One draw for each client and stage; for the tests that compare arms, one for each client at all.
void Judge::draw(const Request& request) {
  using Draw = Clients::Draw;
  const Draw drawn = request.client ? clients_.draw(*request.client, stage_) : Draw::kFirstEver;
  if (drawn == Draw::kFirstEver) {
    split_.add(request.arm, request.weight);
    for (Held& held : held_) {
      if (held.block) held.block->add(request.arm, request.error);
    }
  }
  if (drawn == Draw::kRepeated || drawn == Draw::kUnknown || request.arm == Arm::kStable) return;
  for (Held& held : held_) {
    if (held.share) held.share->add(is_bad(held.objective, request));
  }
}

void Judge::add_error(const Request& request) {
  if (request.client && !clients_.first_error(*request.client)) return;
  harmless_.add(request.arm, request.weight);
  for (Held& held : held_) {
    if (held.ratio) held.ratio->add(request.arm, request.weight);
  }
}

bool Judge::is_bad(const Objective& objective, const Request& request) {
  switch (objective.metric) {
    case Metric::kErrors:
    case Metric::kRelative:
      return request.error;
    case Metric::kLatency:
      return request.latency > objective.latency_max;
    case Metric::kCrashes:
      return request.crashed;
  }
  return false;
}

double Judge::stakes() const {
  double sum = 0;
  for (const Held& held : held_) sum += held.stake();
  return sum;
}

/// A weighted average of e-values is an e-value whatever their dependence (Vovk and Wang, 2021).
double Judge::worse_evidence() const {
  double sum = 0;
  for (const Held& held : held_) sum += held.stake() * held.value(!split_.alarmed());
  return held_.empty() ? 0 : sum / stakes();
}

const Judge::Held* Judge::strongest() const {
  const auto value = [this](const Held& held) {
    return held.stake() * held.value(!split_.alarmed());
  };
  const auto best = std::ranges::max_element(held_, {}, value);
  return best == held_.end() ? nullptr : &*best;
}

/// Not while anything speaks against it, and not on counts that cannot be trusted.
bool Judge::may_promote() const {
  if (split_.alarmed() || clients_.overflowed()) return false;
  return std::ranges::all_of(held_, [](const Held& held) { return held.value(true) <= 1; });
}

std::optional<Ruling> Judge::ruling() const {
  if (worse_evidence() >= 1 / objectives_.alpha) return Ruling::kRollback;
  if (harmless_.value() >= 1 / objectives_.beta && may_promote()) return Ruling::kPromote;
  return std::nullopt;
}

Verdict Judge::verdict(Ruling ruled) const {
  Verdict verdict{.ruling = ruled, .at_event = events_, .canary = canary_, .stable = stable_};
  for (const Held& held : held_) {
    verdict.evidence.push_back({.claim = held.objective.text,
                                .e_value = held.value(!split_.alarmed()),
                                .threshold = stakes() / held.stake() / objectives_.alpha,
                                .units = held.share ? held.share->units() : canary_.requests,
                                .bad = held.share ? held.share->bad() : canary_.errors});
  }
  verdict.evidence.push_back(
      {.claim = fmt::format("not {:g}x worse than stable", objectives_.max_ratio),
       .e_value = harmless_.value(),
       .threshold = 1 / objectives_.beta,
       .units = canary_.requests,
       .bad = canary_.errors});
  if (ruled == Ruling::kRollback) verdict.objective = strongest()->objective.text;
  if (ruled == Ruling::kPromote) verdict.objective = verdict.evidence.back().claim;
  verdict.reason = sentence(ruled);
  verdict.error_difference =
      difference_interval(canary_.errors, canary_.requests, stable_.errors, stable_.requests);
  return verdict;
}

std::string Judge::sentence(Ruling ruled) const {
  switch (ruled) {
    case Ruling::kRollback: {
      const Held& held = *strongest();
      const std::uint64_t units = held.share ? held.share->units() : canary_.requests;
      const std::uint64_t bad = held.share ? held.share->bad() : canary_.errors;
      const std::string beside =
          held.share
              ? ""
              : fmt::format(", against {} on stable", percent(stable_.errors, stable_.requests));
      return fmt::format(
          "{} of {} canary requests {} ({}){}: a release that keeps \"{}\" would show this at most "
          "once in {:.0f} rollouts",
          bad, units, thing_of(held.objective.metric), percent(bad, units), beside,
          held.objective.text, 1 / objectives_.alpha);
    }
    case Ruling::kPromote:
      return fmt::format(
          "{} of {} canary requests failed, against {} of {} on stable: a release {:g} times as "
          "bad "
          "would look like this at most once in {:.0f} rollouts",
          canary_.errors, canary_.requests, stable_.errors, stable_.requests, objectives_.max_ratio,
          1 / objectives_.beta);
    case Ruling::kInconclusive:
      if (split_.alarmed()) {
        return "the arms were not filled by the announced weight, so they cannot be compared: look "
               "at "
               "how requests are routed";
      }
      return fmt::format(
          "after {} canary requests nothing bad is proven and nothing good is: evidence {:.3g} of "
          "the "
          "{:.0f} that roll back, {:.3g} of the {:.0f} that promote",
          canary_.requests, worse_evidence(), 1 / objectives_.alpha, harmless_.value(),
          1 / objectives_.beta);
  }
  return "";
}

}  // namespace ecluse::judge
