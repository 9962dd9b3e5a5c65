#include "preflight/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "preflight/page.h"
#include "preflight/rules/rule.h"
#include "preflight/sarif.h"

namespace ecluse::preflight {
namespace {

Findings hostile_findings() {
  Finding stands = at("shop/a b<i>\".py", {3, 7}, "<script>alert('&')</script>");
  stands.rule = "SEC-001";
  stands.severity = Severity::kMajor;
  Finding accepted = stands;
  accepted.rule = "REPO-006";
  accepted.path.clear();
  accepted.place = {};
  accepted.severity = Severity::kInfo;
  accepted.accepted = "in the baseline";
  return {stands, accepted};
}

TEST(Sarif, NamesTheRuleThePlaceAndWhatAcceptedIt) {
  Repository repository;
  repository.obstacles.push_back({"big.py", "larger than what is read of a source file"});
  const auto root = nlohmann::json::parse(report_sarif(hostile_findings(), repository, "1.2"));
  const auto& run = root["runs"][0];
  EXPECT_EQ(run["tool"]["driver"]["rules"].size(), all_rules().size());
  const auto& first = run["results"][0];
  EXPECT_EQ(run["tool"]["driver"]["rules"][first["ruleIndex"].get<int>()]["id"], "SEC-001");
  EXPECT_EQ(first["level"], "error");
  const auto& place = first["locations"][0]["physicalLocation"];
  EXPECT_EQ(place["artifactLocation"]["uri"], "shop/a%20b%3Ci%3E%22.py");
  EXPECT_EQ(place["region"]["startLine"], 3);
  EXPECT_FALSE(first.contains("suppressions"));
  EXPECT_EQ(run["results"][1]["suppressions"][0]["justification"], "in the baseline");
  EXPECT_EQ(run["invocations"][0]["toolExecutionNotifications"].size(), 1U);
}

TEST(Page, ShowsStrangersTextAsTextAndFetchesNothing) {
  const auto page = report_page(hostile_findings(), {}, "check <b>");
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("<i>"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;alert"), std::string::npos);
  EXPECT_NE(page.find("2 findings, 1 of them accepted"), std::string::npos);
  EXPECT_LT(page.find("SEC-001"), page.find("REPO-006"));
}

}  // namespace
}  // namespace ecluse::preflight
