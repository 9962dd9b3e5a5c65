#include "config/condition.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/text.h"
#include "config/units.h"

namespace ecluse::config {

namespace {

constexpr std::string_view kForms =
    "errors > 5%, p95 > 2s (p50, p90, p95 or p99), crashes > 1% or errors > 1x stable";

tl::unexpected<Error> no(std::string message) {
  return fail(ErrorKind::kInvalid, std::move(message), std::string(kForms));
}

Result<Condition> latency(std::string_view quantile, std::string_view limit) {
  const auto percent = parse_whole(quantile, 99);
  if (percent != 50 && percent != 90 && percent != 95 && percent != 99)
    return no(fmt::format("p{} is not a quantile we judge", printable(quantile, 20)));
  const auto duration = parse_duration(limit);
  if (!duration || *duration == Duration::zero())
    return no(fmt::format("'{}' is not a duration", printable(limit, 40)));
  return Condition{.metric = ConditionMetric::kLatency,
                   .quantile = static_cast<double>(*percent) / 100,
                   .latency_max = *duration};
}

Result<Condition> share(ConditionMetric metric, std::string_view limit) {
  const auto value = limit.ends_with('%') ? parse_share(limit) : std::nullopt;
  if (!value || *value >= 1) return no(fmt::format("'{}' is not a share", printable(limit, 40)));
  if (*value == 0)
    return no("a share of 0% is broken by one request in any number: say how many are too many");
  return Condition{.metric = metric, .share_max = *value};
}

Result<Condition> relative(std::string_view times) {
  const auto value =
      times.ends_with('x') ? parse_decimal(times.substr(0, times.size() - 1)) : std::nullopt;
  if (!value || *value < 1 || *value > 1000)
    return no(fmt::format("'{}' is not a ratio of at least 1x", printable(times, 40)));
  return Condition{.metric = ConditionMetric::kErrors, .times_stable = *value};
}

}  // namespace

Result<Condition> parse_condition(std::string_view text) {
  const auto words = split(text, ' ');
  const bool is_relative = words.size() == 4 && words[3] == "stable";
  if ((words.size() != 3 && !is_relative) || words[1] != ">")
    return no("not of the form METRIC > LIMIT");
  const std::string& metric = words[0];
  if (is_relative)
    return metric == "errors" ? relative(words[2]) : no("only errors compare with stable");
  if (metric == "errors") return share(ConditionMetric::kErrors, words[2]);
  if (metric == "crashes") return share(ConditionMetric::kCrashes, words[2]);
  if (metric.starts_with('p')) return latency(std::string_view(metric).substr(1), words[2]);
  return no(fmt::format("unknown metric '{}'", printable(metric, 40)));
}

}  // namespace ecluse::config
