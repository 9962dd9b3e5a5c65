// The small readers of strangers' text: requirements, coverage, submodules, addresses, links.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "artifact/coverage.h"
#include "artifact/explain.h"
#include "artifact/git_command.h"
#include "artifact/git_tree.h"
#include "artifact/interpreter.h"
#include "artifact/links.h"
#include "artifact/repository.h"
#include "artifact/requirements.h"
#include "artifact/submodules.h"
#include "artifact/tidy_text.h"
#include "base/text.h"

namespace ecluse::artifact {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string in_utf16(std::u16string_view text, bool little, bool mark) {
  std::string bytes;
  const auto put = [&](char16_t unit) {
    const char low = static_cast<char>(unit & 0xFF);
    const char high = static_cast<char>(unit >> 8);
    bytes += little ? std::string{low, high} : std::string{high, low};
  };
  if (mark) put(0xFEFF);
  for (const char16_t unit : text) put(unit);
  return bytes;
}

TEST(Requirements, AreReadInEveryEncodingPeopleHave) {
  const std::u16string text = u"six==1.16.0\r\n# \u00e9\u20ac\U0001F600\r\nidna\r\n";
  const std::string plain = "six==1.16.0\n# \u00e9\u20ac\U0001F600\nidna\n";
  for (const bool little : {true, false}) {
    for (const bool mark : {true, false}) {
      const auto decoded = decode_text(in_utf16(text, little, true));
      ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
      EXPECT_EQ(decoded->text, plain);
      EXPECT_EQ(decoded->encoding, little ? "UTF-16LE" : "UTF-16BE");
      const auto latin = decode_text(in_utf16(u"six==1.16.0\n", little, mark));
      EXPECT_EQ(latin.value_or(DecodedText{}).text, "six==1.16.0\n");
    }
  }
  EXPECT_EQ(decode_text("\xEF\xBB\xBFsix\n")->encoding, "UTF-8 with BOM");
  EXPECT_EQ(decode_text("six\n")->encoding, "UTF-8");
  EXPECT_EQ(decode_text("caf\xE9 is latin-1").error().kind, ErrorKind::kInvalid);
}

RC_GTEST_PROP(Requirements, AnyBytesAreDecodedToUtf8OrRefused, (const std::string& bytes)) {
  const auto decoded = decode_text(bytes);
  // A variable: RC_ASSERT looks at both sides of a ||.
  const bool right = !decoded.has_value() || is_valid_utf8(decoded->text);
  RC_ASSERT(right);
}

RC_GTEST_PROP(TidyText, IsBoundedUtf8OnOneLine, (const std::string& text)) {
  const std::string tidy = tidy_text(text, 40);
  RC_ASSERT(is_valid_utf8(tidy));
  RC_ASSERT(tidy.size() <= 40U + 3U);
  RC_ASSERT(tidy.find('\n') == std::string::npos);
}

std::optional<double> coverage_of(std::initializer_list<std::string_view> lines) {
  CoverageReader reader;
  for (const auto line : lines) reader.read(line);
  return reader.share();
}

TEST(Coverage, IsReadFromThePythonNodeAndGoReports) {
  EXPECT_DOUBLE_EQ(*coverage_of({"TOTAL                 120     18    85%"}), 0.85);
  EXPECT_DOUBLE_EQ(*coverage_of({"TOTAL    120   18   10   2   84.62%"}), 0.8462);
  EXPECT_DOUBLE_EQ(*coverage_of({"Lines        : 85.5% ( 6/7 )"}), 0.855);
  EXPECT_DOUBLE_EQ(*coverage_of({"All files |   85.71 |       50 |     100 |   75.5 |"}), 0.755);
  EXPECT_DOUBLE_EQ(*coverage_of({"ok  \texample.org/a\t0.1s\tcoverage: 66.7% of statements",
                                 "ok  \texample.org/b\t0.1s\tcoverage: 50.0% of statements",
                                 "ok  \texample.org/c\t0.1s\tcoverage: 90.0% of statements"}),
                   0.5);
  EXPECT_EQ(coverage_of({"TOTAL is 100%%", "done 50%", "TOTAL 140%", ""}), std::nullopt);
}

TEST(Repository, UnderstandsPathsAndAddressesAndNothingElse) {
  EXPECT_EQ(parse_repository("/srv/git/x/"), (Repository{true, "/srv/git/x", "file"}));
  EXPECT_EQ(parse_repository("file:///srv/x"), (Repository{true, "/srv/x", "file"}));
  EXPECT_EQ(parse_repository("git@host:team/x.git"),
            (Repository{false, "git@host:team/x.git", "ssh"}));
  for (const char* place : {"", "-x", "x", "../x", "ext::sh", "fd::7", "javascript://x"}) {
    EXPECT_EQ(parse_repository(place).error().kind, ErrorKind::kRefused) << place;
  }
}

TEST(Repository, SubmodulesStayBesideTheirRepository) {
  const Repository local{true, "/srv/git/app", "file"};
  EXPECT_EQ(submodule_repository(local, "../lib")->place, "/srv/git/lib");
  EXPECT_EQ(submodule_repository(local, "/srv/git/deep/lib")->place, "/srv/git/deep/lib");
  EXPECT_EQ(submodule_repository(local, "../../etc").error().kind, ErrorKind::kRefused);
  EXPECT_EQ(submodule_repository(local, "/srv/gitx/lib").error().kind, ErrorKind::kRefused);
  const Repository remote{false, "https://host/team/app.git", "https"};
  EXPECT_EQ(submodule_repository(remote, "../lib.git")->place, "https://host/team/lib.git");
  EXPECT_EQ(submodule_repository(remote, "/etc/lib").error().kind, ErrorKind::kRefused);
  EXPECT_EQ(submodule_repository(remote, "file:///etc/lib").error().kind, ErrorKind::kRefused);
}

TEST(Submodules, UrlsAreReadByPathAndOptionsAreNot) {
  const std::string listing(
      "submodule.a.b.path\nlibs/a b\0submodule.a.b.url\n../lib\0submodule.a.b.update\n!touch "
      "x\0submodule.n.url\nhttps://x\0core.hookspath\n/x\0",
      105 + 3);
  EXPECT_EQ(parse_submodule_urls(listing), (SubmoduleUrls{{"libs/a b", "../lib"}}));
}

TEST(GitTree, RefusesWhatIsNoListing) {
  EXPECT_EQ(parse_tree("100644 blob x").error().kind, ErrorKind::kInvalid);
  EXPECT_TRUE(parse_tree("")->empty());
}

RC_GTEST_PROP(GitTree, NeverReadsBeyondAnyBytes, (const std::string& bytes)) {
  RC_ASSERT(!parse_tree(bytes + "x").has_value());
}

TEST(Links, AreFollowedThroughEachOther) {
  EXPECT_THAT(links_that_leave({{"a/b", "../c"}, {"c", "d/.."}, {"loop", "loop"}, {"x", "."}}),
              ElementsAre());
  EXPECT_THAT(links_that_leave({{"deep/in/link", "../../top"}, {"out", "deep/in/link/../.."}}),
              ElementsAre("out"));
  EXPECT_THAT(links_that_leave({{"dir", "sub/deep"}, {"trick", "dir/../../.."}}),
              ElementsAre("trick"));
  EXPECT_THAT(links_that_leave({{"abs", "/etc"}}), ElementsAre("abs"));
}

TEST(Credentials, NeverReachALogLine) {
  EXPECT_EQ(without_credentials("Looking in https://user:pa55@host/simple and ssh://k@h"),
            "Looking in https://***@host/simple and ssh://***@h");
  EXPECT_EQ(without_credentials("mail a@b.c, https://host/x@1.0"),
            "mail a@b.c, https://host/x@1.0");
}

TEST(Versions, SatisfyWhatWasAskedFor) {
  EXPECT_TRUE(satisfies("3.11.2", "3.11"));
  EXPECT_FALSE(satisfies("3.11.2", "3.1"));
  EXPECT_TRUE(satisfies("20.1.0", "20"));
  EXPECT_TRUE(at_least("1.22.3", "1.9"));
  EXPECT_FALSE(at_least("1.9", "1.22"));
}

TEST(Requirements, KnowTheLineOfEach) {
  const Requirements requirements{.files = {{"requirements.txt", "-r base.txt\n# six==1\n"},
                                            {"base.txt", "idna==3\nsix == 1 ; x  # y\nsix==11"}}};
  EXPECT_EQ(line_of(requirements, "six==1"), "line 2 of base.txt");
  EXPECT_EQ(line_of(requirements, "six"), "");
}

TEST(Explain, KnowsTheLinesThatTellTheReason) {
  EXPECT_TRUE(
      is_telling("npm error `npm ci` can only install packages when your package.json and "
                 "package-lock.json or npm-shrinkwrap.json are in sync."));
  EXPECT_FALSE(is_telling("npm error Run \"npm help ci\" for more info"));
}

TEST(Explain, NamesTheRequirementAndWhatToDo) {
  const Error error = explain_failure(
      1, {"ERROR: Could not find a version that satisfies the requirement nosuch==1",
          "ERROR: No matching distribution found for nosuch==1"});
  EXPECT_EQ(error.kind, ErrorKind::kInvalid);
  EXPECT_THAT(error.message, HasSubstr("No matching distribution found for nosuch==1"));
  EXPECT_EQ(explain_failure(1, {"OSError: [Errno 28] No space left on device"}).kind,
            ErrorKind::kExhausted);
  EXPECT_EQ(explain_failure(127, {"sh: 1: gulp: not found"}).kind, ErrorKind::kNotFound);
}

}  // namespace
}  // namespace ecluse::artifact
