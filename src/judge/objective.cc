#include "judge/objective.h"

#include <fmt/format.h>

#include "base/text.h"
#include "config/condition.h"

namespace ecluse::judge {

namespace {
Metric metric_of(const config::Condition& condition) {
  if (condition.times_stable > 0) return Metric::kRelative;
  switch (condition.metric) {
    case config::ConditionMetric::kErrors:
      return Metric::kErrors;
    case config::ConditionMetric::kCrashes:
      return Metric::kCrashes;
    case config::ConditionMetric::kLatency:
      return Metric::kLatency;
  }
  return Metric::kErrors;
}

Objective objective_of(const config::Condition& condition, std::string text) {
  Objective objective{.text = std::move(text), .metric = metric_of(condition)};
  if (objective.metric == Metric::kRelative) objective.ratio_max = condition.times_stable;
  const bool latency = objective.metric == Metric::kLatency;
  objective.share_max = latency ? 1 - condition.quantile : condition.share_max;
  objective.latency_max = condition.latency_max;
  return objective;
}
}  // namespace

Result<std::vector<Objective>> objectives_of(const std::vector<std::string>& abort_when) {
  if (abort_when.size() > Objectives::kMax) {
    return fail(ErrorKind::kInvalid,
                fmt::format("abort_when has more than {} conditions", Objectives::kMax));
  }
  std::vector<Objective> objectives;
  for (const std::string& text : abort_when) {
    auto condition = config::parse_condition(text);
    if (!condition) {
      return fail(in_context(fmt::format("abort_when \"{}\"", printable(text, 60)),
                             std::move(condition).error()));
    }
    objectives.push_back(objective_of(*condition, text));
  }
  return objectives;
}

}  // namespace ecluse::judge
