#pragma once
// One entry of `abort_when`: `errors > 5%`, `p95 > 2s`, `crashes > 1%`, `errors > 1x stable`.

#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace ecluse::config {

enum class ConditionMetric { kErrors, kCrashes, kLatency };

struct Condition {
  ConditionMetric metric = ConditionMetric::kErrors;
  double quantile = 0;      ///< of the latency, 0.95 for p95
  double share_max = 0;     ///< of errors or crashes
  Duration latency_max{};   ///< at that quantile
  double times_stable = 0;  ///< above 0: relative, at most so many times the stable arm's errors
  bool operator==(const Condition&) const = default;
};

/// Invalid, with the forms it takes, when `text` is not exactly one of them.
Result<Condition> parse_condition(std::string_view text);

}  // namespace ecluse::config
