#include "judge/verdict.h"

#include <fmt/format.h>

namespace ecluse::judge {

namespace {
std::string percent(const ArmCount& of) {
  if (of.requests == 0) return "none";
  return fmt::format("{:.3g} %",
                     100.0 * static_cast<double>(of.errors) / static_cast<double>(of.requests));
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

Evidence evidence_of(const Held& held, const Claims& claims, const Tally& tally) {
  return {.claim = held.objective.text,
          .e_value = claims.value(held),
          .threshold = claims.threshold(held),
          .units = held.share ? held.share->units() : tally.canary.requests,
          .bad = held.share ? held.share->bad() : tally.canary.errors};
}

std::string why_rollback(const Claims& claims, const Tally& tally) {
  const Held& held = *claims.strongest();
  const Evidence shown = evidence_of(held, claims, tally);
  const ArmCount count{shown.units, shown.bad};
  const std::string beside =
      held.share ? ""
                 : fmt::format(", against {} of {} on stable ({})", tally.stable.errors,
                               tally.stable.requests, percent(tally.stable));
  return fmt::format(
      "{} of {} canary requests {} ({}){}: a release that meets its objectives would look this bad "
      "in at most one of {:.4g} rollouts; \"{}\" weighs most",
      count.errors, count.requests, thing_of(held.objective.metric), percent(count), beside,
      claims.rollback_at(), held.objective.text);
}

std::string why_promote(const Claims& claims, const Tally& tally) {
  return fmt::format(
      "{} of {} canary requests failed, against {} of {} on stable: a release {:g} times as bad "
      "would look this good in at most one of {:.4g} rollouts",
      tally.canary.errors, tally.canary.requests, tally.stable.errors, tally.stable.requests,
      claims.objectives().max_ratio, 1 / claims.objectives().beta);
}

bool in_an_incident(const Claims& claims) {
  for (const Held& held : claims.held()) {
    if (held.incident && held.incident->under_way()) return true;
  }
  return false;
}

/// Of a sample people must know that it is one.
std::string beside_the_sample(const Tally& tally) {
  if (tally.thinned == 0) return "";
  return fmt::format(
      "; {} more requests came too quickly to be recorded: these are a fair sample of them",
      tally.thinned);
}

std::string why_nothing(const Claims& claims, const Tally& tally) {
  if (tally.canary.requests == 0) {
    return "no request has reached the canary: that is neither a failure nor a proof";
  }
  if (!claims.comparable()) {
    return "the arms were not filled by the announced weight, so they cannot be compared: look at "
           "how requests are routed";
  }
  return fmt::format(
      "after {} canary requests nothing bad is proven and nothing good is: evidence {:.3g} of the "
      "{:.4g} that roll back, {:.3g} of the {:.4g} that promote{}{}",
      tally.canary.requests, claims.worse(), claims.rollback_at(), claims.harmless(),
      claims.promote_at(),
      in_an_incident(claims) ? "; the stable release is breaking an objective too, so its limits "
                               "say nothing about the canary now"
                             : "",
      beside_the_sample(tally));
}

std::string reason_of(Ruling ruling, const Claims& claims, const Tally& tally) {
  switch (ruling) {
    case Ruling::kRollback:
      return why_rollback(claims, tally);
    case Ruling::kPromote:
      return why_promote(claims, tally);
    case Ruling::kInconclusive:
      return why_nothing(claims, tally);
  }
  return "";
}
}  // namespace

std::string harmless_claim(const Objectives& objectives) {
  return fmt::format("not {:g}x worse than stable", objectives.max_ratio);
}

std::string_view to_string(Ruling ruling) {
  switch (ruling) {
    case Ruling::kRollback:
      return "rollback";
    case Ruling::kPromote:
      return "promote";
    case Ruling::kInconclusive:
      return "inconclusive";
  }
  return "inconclusive";
}

Verdict verdict_of(Ruling ruling, const Claims& claims, const Tally& tally) {
  Verdict verdict{.ruling = ruling,
                  .at_event = tally.events,
                  .canary = tally.canary,
                  .stable = tally.stable,
                  .e_value = claims.worse(),
                  .threshold = claims.rollback_at()};
  for (const Held& held : claims.held()) {
    verdict.evidence.push_back(evidence_of(held, claims, tally));
  }
  verdict.evidence.push_back({.claim = harmless_claim(claims.objectives()),
                              .e_value = claims.harmless(),
                              .threshold = claims.promote_at(),
                              .units = tally.canary.requests,
                              .bad = tally.canary.errors});
  if (ruling == Ruling::kRollback) verdict.objective = claims.strongest()->objective.text;
  if (ruling == Ruling::kPromote) verdict.objective = harmless_claim(claims.objectives());
  verdict.reason = reason_of(ruling, claims, tally);
  verdict.error_difference = difference_interval(tally.canary.errors, tally.canary.requests,
                                                 tally.stable.errors, tally.stable.requests);
  return verdict;
}

}  // namespace ecluse::judge
