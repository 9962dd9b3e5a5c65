#include "preflight/rules/rule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace ecluse::preflight {
namespace {

using Files = std::map<std::string, std::string>;

/// The audit of a repository that exists in memory alone.
Findings check(const Files& files) {
  Collector collector;
  for (const auto& [path, text] : files) {
    const FileFact fact{.path = path, .bytes = text.size()};
    collector.file(fact);
    if (Collector::wish(path, text.size()) != Wish::kNothing) collector.content(fact, text);
  }
  const auto repository = collector.finish();
  const auto stack = conclude(repository);
  return audit({.repository = repository, .stack = stack, .today = "2026-11-21"});
}

std::string found(const Findings& findings, std::string_view rule) {
  for (const auto& each : findings)
    if (each.rule == rule) return each.path + ":" + std::to_string(each.place.line);
  return "";
}

TEST(Rules, EachIdStandsForOneRuleThatSaysWhyAndHowToMend) {
  std::set<std::string_view> ids;
  for (const auto* rule : all_rules()) {
    EXPECT_TRUE(ids.insert(rule->id).second) << rule->id << " stands twice";
    EXPECT_FALSE(rule->title.empty() || rule->why.empty() || rule->fix.empty()) << rule->id;
  }
}

std::ptrdiff_t count_of(const Findings& findings, std::string_view rule) {
  return std::ranges::count(findings, rule, &Finding::rule);
}

TEST(Rules, AskNothingOfHowAFileThatWasSetAsideRuns) {
  const std::string bad = "FROM python\nCMD python manage.py runserver\n";
  for (const auto* path : {"Dockerfile.bak", "Dockerfile.bak2", "scripts/archive/Dockerfile",
                           "Dockerfile.old-2024", "archives_2023/Dockerfile"})
    EXPECT_EQ(count_of(check({{path, bad}}), "DJ-008"), 0) << path;
  EXPECT_EQ(count_of(check({{"Dockerfile.older", bad}}), "DJ-008"), 1);
  EXPECT_EQ(count_of(check({{"archive/app.py", "API_TOKEN = 'k3J9dkq82hQz'\n"}}), "SEC-001"), 1);
}

TEST(Rules, TellOfOneFilesMachinePathsInOneFinding) {
  const auto findings = check({{"app.py", "A = '/home/ann/a.csv'\nB = '/home/ann/b.csv'\n"}});
  ASSERT_EQ(count_of(findings, "HARD-001"), 1);
  const auto hard = std::ranges::find(findings, "HARD-001", &Finding::rule);
  EXPECT_NE(hard->evidence.find("further in lines 2"), std::string::npos);
}

TEST(Rules, CallAnAdministratorsDefaultPasswordByOneName) {
  const auto findings =
      check({{"app.py", "import os\nP = os.getenv('ADMIN_PASSWORD', 'admin123')\n"}});
  EXPECT_EQ(count_of(findings, "SEC-004"), 1);
  EXPECT_EQ(count_of(findings, "SEC-003"), 0);
}

TEST(Rules, TakeModulesOfTheProjectForDeclared) {
  const auto findings = check({{"requirements.txt", "flask\n"},
                               {"eda/trendline.ipynb", "{}"},
                               {"fast.pyx", ""},
                               {"app.py", "import fast\nimport trendline_clean\nimport pandas\n"}});
  ASSERT_EQ(count_of(findings, "DEP-001"), 1);
  EXPECT_EQ(found(findings, "DEP-001"), "app.py:3");
}

TEST(Rules, NeverShowASecretsValue) {
  for (const auto& each : check({{"app.py", "API_TOKEN = 'k3J9dkq82hQz'\n"}}))
    EXPECT_EQ(each.evidence.find("k3J9dkq82hQz"), std::string::npos) << each.rule;
}

TEST(Rules, EndOnDeepAndBrokenInput) {
  const std::string deep(20'000, '(');
  const std::string brackets(20'000, '[');
  const auto findings = check({{"app.py", "password=" + deep},
                               {"a.js", "secret=process.env." + deep},
                               {"a.sh", deep},
                               {"compose.yml", "services: " + brackets},
                               {"nginx.conf", std::string(5'000, '{')},
                               {"Dockerfile", "RUN <<" + deep},
                               {"package.json", brackets},
                               {"pyproject.toml", "a=" + brackets},
                               {"Pipfile", "\u00e9 = 1\n"}});
  for (const auto& each : findings) EXPECT_NE(find_rule(each.rule), nullptr);
}

}  // namespace
}  // namespace ecluse::preflight
