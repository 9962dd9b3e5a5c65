#include "control/examination.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ecluse::control {
namespace {

using nlohmann::json;

const std::string kAudit =
    R"({"counts":{"warn":150},"findings":[{"rule":"REPO-004","severity":"warn"}]})";
const std::string kReport =
    R"({"counts":{},"findings":[{"rule":"RT-002","severity":"major","evidence":"10 s"}]})";

TEST(Examination, JoinsTheAuditOfTheFiles) {
  const auto root = json::parse(with_examination(kAudit, kReport, true));
  ASSERT_EQ(root["findings"].size(), 2u);
  EXPECT_EQ(root["findings"][0]["rule"], "REPO-004");
  EXPECT_EQ(root["findings"][1]["rule"], "RT-002");
  EXPECT_EQ(root["counts"]["major"], 1);
  EXPECT_EQ(root["counts"]["warn"], 150) << "more than were kept";
}

TEST(Examination, ALaterOneReplacesAnEarlierOne) {
  const auto once = with_examination(kAudit, kReport, true);
  const auto twice = json::parse(with_examination(once, kReport, true));
  EXPECT_EQ(twice["findings"].size(), 2u);
  EXPECT_EQ(twice["counts"]["major"], 1);
}

TEST(Examination, IsTakenOverWhereItPassedAndNowhereElse) {
  const auto passed = with_examination(kAudit, kReport, true);
  const auto taken = passed_examination(passed);
  ASSERT_TRUE(taken);
  EXPECT_EQ(with_examination(kAudit, *taken, true), passed);
  EXPECT_FALSE(passed_examination(with_examination(kAudit, kReport, false)));
  EXPECT_TRUE(is_barred(with_examination(kAudit, kReport, false)));
  EXPECT_FALSE(is_barred(passed));
  EXPECT_FALSE(is_barred(""));
  EXPECT_FALSE(passed_examination(kAudit));
  EXPECT_FALSE(passed_examination(""));
}

TEST(Examination, BarsUntilItHasLetTheReleasePass) {
  const auto due = with_examination_due(kAudit);
  EXPECT_TRUE(is_barred(due));
  EXPECT_FALSE(is_blocked(due)) << "nobody has found anything";
  EXPECT_FALSE(passed_examination(due));
  EXPECT_FALSE(is_barred(with_examination(due, kReport, true)));
  EXPECT_TRUE(is_barred(with_examination_due("")));
}

}  // namespace
}  // namespace ecluse::control
