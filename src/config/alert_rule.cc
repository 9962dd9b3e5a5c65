#include "config/alert_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "config/units.h"

namespace ecluse::config {

namespace {

struct Metric {
  std::string_view name;
  AlertUnit unit;
};
constexpr std::array<Metric, 13> kMetrics{{{"cpu", AlertUnit::kShare},
                                           {"memory", AlertUnit::kShare},
                                           {"disk", AlertUnit::kShare},
                                           {"errors", AlertUnit::kShare},
                                           {"latency.p50", AlertUnit::kDuration},
                                           {"latency.p90", AlertUnit::kDuration},
                                           {"latency.p95", AlertUnit::kDuration},
                                           {"latency.p99", AlertUnit::kDuration},
                                           {"http.4xx", AlertUnit::kCount},
                                           {"http.5xx", AlertUnit::kCount},
                                           {"requests", AlertUnit::kCount},
                                           {"restarts", AlertUnit::kCount},
                                           {"crashes", AlertUnit::kCount}}};
constexpr std::array<std::string_view, 3> kSeverities{"info", "warning", "critical"};
constexpr std::array<std::string_view, 5> kChannels{"slack", "discord", "email", "pagerduty",
                                                    "webhook"};
constexpr std::uint64_t kCountMax = 1'000'000'000;

tl::unexpected<Error> no(std::string message, std::string expected = {}) {
  return fail(ErrorKind::kInvalid, std::move(message), std::move(expected));
}

Result<void> take_limit(AlertRule& rule, std::string_view limit) {
  const auto wrong = [&](std::string_view expected) {
    return no(fmt::format("'{}' is no limit for {}", printable(limit, 40), rule.metric),
              std::string(expected));
  };
  switch (rule.unit) {
    case AlertUnit::kShare: {
      const auto share = limit.ends_with('%') ? parse_share(limit) : std::nullopt;
      if (!share) return wrong("a share, as 80%");
      rule.share = *share;
      return {};
    }
    case AlertUnit::kDuration: {
      const auto duration = parse_duration(limit);
      if (!duration) return wrong("a duration, as 1s");
      rule.duration = *duration;
      return {};
    }
    case AlertUnit::kCount: {
      const auto count = parse_whole(limit, kCountMax);
      if (!count) return wrong("a whole number");
      rule.count = *count;
      return {};
    }
  }
  return {};
}

Result<void> take_metric(AlertRule& rule, const std::string& name) {
  const auto found = std::ranges::find(kMetrics, name, &Metric::name);
  if (found == kMetrics.end()) {
    std::vector<std::string> names;
    for (const auto& metric : kMetrics) names.emplace_back(metric.name);
    return no(fmt::format("unknown metric '{}'", printable(name, 40)),
              "one of " + join(names, ", "));
  }
  rule.metric = name;
  rule.unit = found->unit;
  return {};
}

Result<void> take_window(std::optional<Duration>& slot, std::string_view clause,
                         const std::string& value) {
  if (slot) return no(fmt::format("'{}' stands twice, or beside its like", clause));
  slot = parse_duration(value);
  if (!slot || *slot == Duration::zero())
    return no(fmt::format("'{} {}' is no time", clause, printable(value, 40)), "as 5m");
  return {};
}

Result<void> take_minimum(AlertRule& rule, const std::string& value) {
  rule.requests_min = parse_whole(value, kCountMax);
  if (!rule.requests_min)
    return no(fmt::format("'min {}' is no count", printable(value, 40)), "min 20 requests");
  return {};
}

/// The words from `at` to the end are clauses.
Result<void> take_clauses(AlertRule& rule, const std::vector<std::string>& words, std::size_t at) {
  while (at < words.size()) {
    const std::string& clause = words[at];
    const std::string value = at + 1 < words.size() ? words[at + 1] : "";
    at += 2;
    if (clause == "for") {
      ECLUSE_TRY(take_window(rule.held_for, clause, value));
    } else if (clause == "per" && rule.unit == AlertUnit::kCount) {
      ECLUSE_TRY(take_window(rule.window, clause, value));
    } else if (clause == "over" && rule.unit != AlertUnit::kCount) {
      ECLUSE_TRY(take_window(rule.window, clause, value));
    } else if (clause == "min" && at < words.size() && words[at] == "requests") {
      ECLUSE_TRY(take_minimum(rule, value));
      ++at;
    } else {
      return no(fmt::format("'{}' does not fit here", printable(clause, 40)),
                rule.unit == AlertUnit::kCount ? "for TIME or per TIME"
                                               : "for TIME, over TIME or min N requests");
    }
  }
  if (rule.unit == AlertUnit::kCount && !rule.window)
    return no("a count needs the time it is counted in", "per 1m");
  return {};
}

Result<void> take_targets(AlertRule& rule, std::string_view targets) {
  for (const auto& part : split(targets, ',')) {
    const std::string target(trim(part));
    if (std::ranges::find(kSeverities, target) != kSeverities.end())
      rule.severity = target;
    else if (std::ranges::find(kChannels, target) != kChannels.end())
      rule.channels.push_back(target);
    else
      return no(fmt::format("unknown target '{}'", printable(target, 40)),
                "slack, discord, email, pagerduty, webhook; info, warning or critical");
  }
  if (rule.channels.empty()) return no("nobody is told", "a channel after '->', as slack");
  return {};
}

}  // namespace

Result<AlertRule> parse_alert_rule(std::string_view text) {
  constexpr std::string_view kArrow = " -> ";
  const std::size_t arrow = text.find(kArrow);
  if (arrow == std::string_view::npos)
    return no("has no target", "METRIC > LIMIT for TIME -> CHANNEL");
  const auto words = split(text.substr(0, arrow), ' ');
  if (words.size() < 3 || (words[1] != ">" && words[1] != "<"))
    return no("does not compare", "METRIC > LIMIT for TIME -> CHANNEL");
  AlertRule rule;
  rule.above = words[1] == ">";
  ECLUSE_TRY(take_metric(rule, words[0]));
  ECLUSE_TRY(take_limit(rule, words[2]));
  ECLUSE_TRY(take_clauses(rule, words, 3));
  ECLUSE_TRY(take_targets(rule, text.substr(arrow + kArrow.size())));
  return rule;
}

}  // namespace ecluse::config
