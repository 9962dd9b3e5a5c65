// What people read of a trial, against tests/golden/cli; ECLUSE_ACCEPT=1 writes it anew.
#include "cli/trial_picture.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "base/text.h"
#include "os/file.h"

namespace ecluse::cli {
namespace {

constexpr const char* kArms =
    R"("canary": {"requests": 40, "errors": 4, "p50_ms": 31.2, "p95_ms": 120.4},
       "stable": {"requests": 361, "errors": 3, "p50_ms": 30.1, "p95_ms": 95.0})";

std::string picture_json(const std::string& verdict, const std::string& verdicts,
                         const std::string& needed) {
  const std::string made =
      R"({"verdict": ")" + verdict +
      R"(", "at_event": 401, "canary_requests": 40, "e_value": 130.5, "threshold": 100,
          "objective": "errors > 1x stable", "reason": "4 of 40 canary requests failed <b>&",
          "evidence": [{"claim": "errors > 1x stable", "e_value": 210.5, "threshold": 170,
                        "units": 40, "bad": 4}],
          "canary": {"requests": 40, "errors": 4}, "stable": {"requests": 361, "errors": 3},
          "error_difference": {"low": 0.02, "high": 0.22}})";
  return R"({"rollout": "lettings/prod@12", "release": 7, "weight": 0.1, "rollback_at": 100,
             "promote_at": 25, "open": 2, "lost": 0, "so_far": )" +
         made + R"(, "verdicts": [)" +
         (verdicts.empty() ? "" : R"({"at_s": 21.5, "verdict": )" + made + "}") +
         R"(], "still_needed": )" + needed + R"(, "points": [
             {"at_s": 1, "weight": 0.1, "canary": {"requests": 3, "errors": 0, "p50_ms": 30, "p95_ms": 90},
              "stable": {"requests": 20, "errors": 0, "p50_ms": 30, "p95_ms": 95}, "worse": 0.9, "harmless": 1.1},
             {"at_s": 11, "weight": 0.1, "canary": {"requests": 20, "errors": 2, "p50_ms": 30, "p95_ms": 90},
              "stable": {"requests": 180, "errors": 1, "p50_ms": 30, "p95_ms": 95}, "worse": 9.5, "harmless": 2},
             {"at_s": 21.5, "weight": 0.1, )" +
         kArms + R"(, "worse": 130.5, "harmless": 0.4}]})";
}

TrialPicture rolled_back() {
  auto picture = trial_picture(
      picture_json("rollback", "one", R"({"canary_requests": null, "seconds": null})"));
  EXPECT_TRUE(picture) << (picture ? "" : picture.error().message);
  return picture.value_or(TrialPicture{});
}

TrialPicture undecided(const std::string& needed) {
  auto picture = trial_picture(picture_json("inconclusive", "", needed));
  EXPECT_TRUE(picture) << (picture ? "" : picture.error().message);
  return picture.value_or(TrialPicture{});
}

Terminal plain() {
  return {.in = std::cin, .out = std::cout, .err = std::cerr};
}

std::string watched(const TrialPicture& picture) {
  std::string text;
  for (const auto& line : watch_lines(plain(), picture)) text += line + "\n";
  return text;
}

void expect_golden(const std::string& name, const std::string& text) {
  const auto file = std::filesystem::path(ECLUSE_SOURCE) / "tests/golden/cli" / name;
  if (std::getenv("ECLUSE_ACCEPT") != nullptr) {
    ASSERT_TRUE(os::replace_file(file, text));
  }
  const auto golden = os::read_file(file, 1 << 20);
  ASSERT_TRUE(golden) << golden.error().message << "; ECLUSE_ACCEPT=1 writes it";
  EXPECT_EQ(text, *golden) << "in " << name << "; ECLUSE_ACCEPT=1 accepts it";
}

TEST(TrialPicture, IsWatchedInAFewLines) {
  expect_golden("trial-watch.txt",
                watched(undecided(R"({"canary_requests": 210, "seconds": 125.2})")) + "\n" +
                    watched(undecided(R"({"canary_requests": null, "seconds": null})")) + "\n" +
                    watched(rolled_back()));
}

TEST(TrialPicture, IsReportedWithItsVerdictAndEvidence) {
  expect_golden("trial-report.txt", report_text(plain(), rolled_back()));
}

TEST(TrialPicture, BeforeAnyRequestSaysSo) {
  auto picture = rolled_back();
  picture.points.clear();
  EXPECT_NE(watched(picture).find("no request has come yet"), std::string::npos);
  EXPECT_NE(report_page(picture).find("No request came."), std::string::npos);
}

TEST(TrialPicture, SaysWhenItIsOfASample) {
  auto picture = undecided(R"({"canary_requests": null, "seconds": null})");
  EXPECT_EQ(watched(picture).find("sample"), std::string::npos);
  picture.thinned = 9'000;
  for (const auto& text : {watched(picture), report_text(plain(), picture), report_page(picture)})
    EXPECT_NE(text.find("9000 more requests came too quickly"), std::string::npos) << text;
  EXPECT_NE(watched(picture).find("a sample of people proves nothing good"), std::string::npos);
}

TEST(TrialPage, LoadsNothingAndLetsNoTextBecomeMarkup) {
  const std::string page = report_page(rolled_back());
  for (const char* reference : {"http", "src=", "href=", "url(", "@import", "<script"}) {
    EXPECT_EQ(page.find(reference), std::string::npos) << reference;
  }
  EXPECT_EQ(page.find("<b>"), std::string::npos);
  EXPECT_NE(page.find("&lt;b&gt;&amp;"), std::string::npos);
}

TEST(TrialPage, PlotsEvidenceErrorsLatencyAndWeight) {
  const std::string page = report_page(rolled_back());
  EXPECT_EQ(split(page, '\n').front(), "<!doctype html>");
  std::size_t plots = 0;
  for (auto at = page.find("<svg"); at != std::string::npos; at = page.find("<svg", at + 1))
    plots += 1;
  EXPECT_EQ(plots, 4U);
  EXPECT_EQ(page.find("nan"), std::string::npos);
  EXPECT_EQ(page.find("inf\""), std::string::npos);
}

TEST(TrialPage, DrawsLinesAndNoAreas) {
  const std::string page = report_page(rolled_back());
  ASSERT_NE(page.find("<path"), std::string::npos);
  EXPECT_NE(page.find("svg path{fill:none}"), std::string::npos);
}

TEST(TrialPicture, RefusesWhatIsNone) {
  for (const char* text : {"", "{}", "[]", R"({"rollout": 5})"})
    EXPECT_FALSE(trial_picture(text)) << text;
}

}  // namespace
}  // namespace ecluse::cli
