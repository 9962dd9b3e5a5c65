#pragma once
// One alert: `cpu > 80% for 5m -> slack`, `http.5xx > 10 per 1m -> slack, critical`,
// `errors > 5% over 1m min 20 requests -> pagerduty, critical`.
//
//   RULE    := METRIC (">" | "<") LIMIT CLAUSE* "->" TARGET ("," TARGET)*
//   CLAUSE  := "for" DURATION | "per" DURATION | "over" DURATION | "min" COUNT "requests"
//   TARGET  := a channel of notify:, or a severity: info, warning, critical

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace ecluse::config {

/// What the limit of a metric is measured in.
enum class AlertUnit { kShare, kDuration, kCount };

struct AlertRule {
  std::string metric;  ///< "cpu", "latency.p95", "http.5xx"
  AlertUnit unit = AlertUnit::kShare;
  bool above = true;  ///< ">"; else "<"
  double share = 0;
  Duration duration{};
  std::uint64_t count = 0;
  std::optional<Duration> held_for;  ///< "for": true without a break
  std::optional<Duration> window;    ///< "per" of a count, "over" of a share
  std::optional<std::uint64_t> requests_min;
  std::vector<std::string> channels;
  std::string severity = "warning";
  bool operator==(const AlertRule&) const = default;
};

/// Invalid, saying which word is wrong, when `text` is not a rule.
Result<AlertRule> parse_alert_rule(std::string_view text);

}  // namespace ecluse::config
