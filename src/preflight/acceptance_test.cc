#include "preflight/acceptance.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "preflight/report.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {
namespace {

constexpr const char* kToday = "2026-11-21";

using Files = std::map<std::string, std::string>;

struct Audited {
  Repository repository;
  Findings findings;
};

Audited audited(const Files& files, const std::vector<model::WaiverSpec>& waivers = {},
                const model::EnvironmentSpec* environment = nullptr) {
  Collector collector;
  for (const auto& [path, text] : files) {
    const FileFact fact{.path = path, .bytes = text.size()};
    collector.file(fact);
    if (Collector::wish(path, text.size()) != Wish::kNothing) collector.content(fact, text);
  }
  Audited made{collector.finish(), {}};
  const auto stack = conclude(made.repository);
  made.findings = audit(
      {.repository = made.repository, .stack = stack, .environment = environment, .today = kToday});
  accept(made.findings, made.repository, waivers, kToday);
  return made;
}

const Finding& of_rule(const Audited& made, std::string_view rule) {
  static const Finding none;
  const auto found = std::ranges::find(made.findings, rule, &Finding::rule);
  if (found == made.findings.end()) ADD_FAILURE() << "no finding of " << rule;
  return found == made.findings.end() ? none : *found;
}

const Files kSecret = {{".gitignore", "x\n"}, {"shop/app.py", "API_TOKEN = 'k3J9dkq82hQz'\n"}};
// TLS-001 blocks: the certificate is nowhere.
const Files kBlocked = {{".gitignore", "x\n"},
                        {"nginx.conf",
                         "http { server { listen 443 ssl; ssl_certificate certs/a.pem; "
                         "ssl_certificate_key certs/a.key; } }\n"},
                        {"compose.yml",
                         "services:\n  proxy:\n    image: nginx:1.27\n    volumes: "
                         "['./nginx.conf:/etc/nginx/nginx.conf', './certs:/etc/nginx/certs']\n"}};

TEST(Acceptance, HoldsUntilTheLastDayOfAWaiverAndSaysWhenItEnded) {
  const auto waived = [&](std::string until, std::string path = {}) {
    return audited(kSecret, {{"SEC-001", std::move(path), "rotated on Monday", std::move(until)}});
  };
  EXPECT_EQ(of_rule(waived(kToday), "SEC-001").accepted,
            "waived until 2026-11-21: rotated on Monday");
  EXPECT_NE(of_rule(waived("2026-12-31", "shop"), "SEC-001").accepted, "");
  EXPECT_EQ(of_rule(waived("2026-12-31", "store"), "SEC-001").accepted, "");
  const auto ended = of_rule(waived("2026-11-20"), "SEC-001");
  EXPECT_EQ(ended.accepted, "");
  EXPECT_NE(ended.because.find("its waiver ended on 2026-11-20"), std::string::npos);
}

TEST(Acceptance, OfACommentNeedsAReasonAndIsAboutTheNextLine) {
  const auto with = [](const std::string& comment) {
    return of_rule(audited({{"app.py", comment + "\nAPI_TOKEN = 'k3J9dkq82hQz'\n"}}), "SEC-001")
        .accepted;
  };
  EXPECT_EQ(with("# ecluse: ignore SEC-001: a key of the sandbox"),
            "ignored in line 1: a key of the sandbox");
  EXPECT_NE(with("# ecluse: ignore DB-004, SEC-001: both"), "");
  EXPECT_EQ(with("# ecluse: ignore SEC-001:"), "");
  EXPECT_EQ(with("# ecluse: ignore SEC-002: another"), "");
  EXPECT_EQ(with("# ecluse: ignore SEC-001: too far away\n"), "");
}

TEST(Acceptance, OfABaselineFollowsTheFindingToAnotherLine) {
  auto files = kSecret;
  files[".ecluse-baseline"] = baseline_of(audited(files).findings);
  files["shop/app.py"] = "import os\n\n" + files["shop/app.py"] + "OTHER_TOKEN = 'h7Gd02nnmPQx1'\n";
  const auto made = audited(files);
  EXPECT_EQ(of_rule(made, "SEC-001").accepted, "in the baseline");
  EXPECT_EQ(std::ranges::count_if(made.findings,
                                  [](const Finding& each) {
                                    return each.rule == "SEC-001" && each.accepted.empty();
                                  }),
            1);
}

TEST(Acceptance, OfWhatBlocksIsAWaiverAlone) {
  auto files = kBlocked;
  files["nginx.conf"] = "# ecluse: ignore TLS-001: not now\n" + files["nginx.conf"];
  const auto made = audited(files);
  ASSERT_TRUE(blocks(made.findings)) << report_text(made.findings, made.repository);
  files[".ecluse-baseline"] = baseline_of(made.findings);
  EXPECT_TRUE(blocks(audited(files).findings));
  EXPECT_EQ(blocking_lines(made.findings).size(), 1U);
  EXPECT_FALSE(
      blocks(audited(kBlocked, {{"TLS-001", "", "the proxy is going", "2026-12-01"}}).findings));
}

TEST(Acceptance, IsNotNeededForContainersThatEcluseDoesNotRun) {
  const model::EnvironmentSpec environment;
  const auto made = audited(kBlocked, {}, &environment);
  EXPECT_FALSE(blocks(made.findings));
  EXPECT_EQ(of_rule(made, "TLS-001").severity, Severity::kMajor);
}

TEST(Acceptance, OfFindingsIsKeptWithTheReleaseTheGravestFirst) {
  const auto report = release_report(audited(kBlocked).findings);
  EXPECT_NE(report.find(R"("counts":{"block":1)"), std::string::npos) << report;
  EXPECT_LT(report.find("TLS-001"), report.find(R"("severity":"warn")"));
}

}  // namespace
}  // namespace ecluse::preflight
