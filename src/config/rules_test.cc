#include "config/rules.h"

#include <gtest/gtest.h>

#include "config/alert_rule.h"
#include "config/condition.h"
#include "config/schedule.h"

namespace ecluse::config {
namespace {

using namespace std::chrono_literals;

TEST(Condition, IsReadInEveryFormOfTheGuide) {
  EXPECT_EQ(parse_condition("errors > 5%"),
            (Condition{.metric = ConditionMetric::kErrors, .share_max = 0.05}));
  EXPECT_EQ(parse_condition("crashes > 1%"),
            (Condition{.metric = ConditionMetric::kCrashes, .share_max = 0.01}));
  EXPECT_EQ(parse_condition("p95 > 2s"),
            (Condition{.metric = ConditionMetric::kLatency, .quantile = 0.95, .latency_max = 2s}));
  EXPECT_EQ(parse_condition("errors > 1x stable"),
            (Condition{.metric = ConditionMetric::kErrors, .times_stable = 1}));
}

TEST(Condition, OfAnyOtherFormIsRefused) {
  for (const char* text :
       {"", "errors", "errors > 5", "errors < 5%", "errors >5%", "errors > 100%", "p42 > 2s",
        "p95 > 2", "p95 > 0s", "crashes > 1x stable", "errors > 0.5x stable", "errors > 1x canary",
        "latency > 2s", "errors > 5% ", "errors > 5% for 1m"})
    EXPECT_FALSE(parse_condition(text)) << text;
}

TEST(Schedule, IsADurationADayOrFiveCronFields) {
  for (const char* text : {"15m", "6h", "1d", "hour", "day", "day at 03:00", "monday at 23:59",
                           "weekday at 08:30", "*/5 * * * *", "0 3 1-15 * 1,3", "0 0 * * 7"})
    EXPECT_TRUE(check_schedule(text)) << text;
}

TEST(Schedule, WithAWrongPartNamesIt) {
  for (const char* text :
       {"", "30s", "daily", "day at 3:00", "day at 24:00", "day at 03:60", "day 03:00",
        "someday at 03:00", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
        "*/0 * * * *", "5-1 * * * *", "1,, * * * *", "@daily"})
    EXPECT_FALSE(check_schedule(text)) << text;
  EXPECT_EQ(check_schedule("* 24 * * *").error().message, "'24' is not a hour (0 to 23)");
}

TEST(AlertRule, OfTheGuideIsReadPartByPart) {
  const auto rule = parse_alert_rule("errors > 5% over 1m min 20 requests -> pagerduty, critical");
  ASSERT_TRUE(rule);
  EXPECT_EQ(rule->metric, "errors");
  EXPECT_EQ(rule->share, 0.05);
  EXPECT_EQ(rule->window, 1min);
  EXPECT_EQ(rule->requests_min, 20u);
  EXPECT_EQ(rule->channels, std::vector<std::string>{"pagerduty"});
  EXPECT_EQ(rule->severity, "critical");
  const auto counted = parse_alert_rule("http.5xx > 10 per 1m -> slack, email");
  ASSERT_TRUE(counted);
  EXPECT_EQ(counted->count, 10u);
  EXPECT_EQ(counted->window, 1min);
  EXPECT_EQ(counted->channels.size(), 2u);
  const auto held = parse_alert_rule("latency.p95 > 1s for 1m -> email");
  ASSERT_TRUE(held);
  EXPECT_EQ(held->duration, 1s);
  EXPECT_EQ(held->held_for, 1min);
}

TEST(AlertRule, WithAWrongWordSaysWhich) {
  struct Case {
    const char* text;
    const char* message;
  };
  for (const auto& [text, message] :
       {Case{"cpu > 80%", "has no target"}, Case{"cpu is 80% -> slack", "does not compare"},
        Case{"gpu > 80% -> slack", "unknown metric 'gpu'"},
        Case{"cpu > 80 -> slack", "'80' is no limit for cpu"},
        Case{"latency.p95 > 5% -> slack", "'5%' is no limit for latency.p95"},
        Case{"http.5xx > 10 -> slack", "a count needs the time it is counted in"},
        Case{"http.5xx > 10 over 1m -> slack", "'over' does not fit here"},
        Case{"cpu > 80% for -> slack", "'for ' is no time"},
        Case{"cpu > 80% for 5m for 5m -> slack", "'for' stands twice, or beside its like"},
        Case{"errors > 5% min x requests -> slack", "'min x' is no count"},
        Case{"cpu > 80% -> fax", "unknown target 'fax'"},
        Case{"cpu > 80% -> critical", "nobody is told"}}) {
    const auto rule = parse_alert_rule(text);
    ASSERT_FALSE(rule) << text;
    EXPECT_EQ(rule.error().message, message) << text;
  }
}

}  // namespace
}  // namespace ecluse::config
