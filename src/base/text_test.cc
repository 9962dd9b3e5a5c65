#include "base/text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace ecluse {
namespace {

const std::vector<std::string> kKeys = {"instances", "command", "ready", "env"};

TEST(Nearest, FindsTheWordASlipWasMeantToBe) {
  EXPECT_EQ(nearest("instnaces", kKeys), "instances");
  EXPECT_EQ(nearest("comand", kKeys), "command");
}

TEST(Nearest, ProposesNothingForAWordThatResemblesNone) {
  EXPECT_EQ(nearest("kubernetes", kKeys), std::nullopt);
}

TEST(ToUpper, LeavesWhatIsNoAsciiLetter) {
  EXPECT_EQ(to_upper("db_url2"), "DB_URL2");
  EXPECT_EQ(to_upper("caf\xC3\xA9"), "CAF\xC3\xA9");
}

TEST(Utf8, RejectsOverlongSurrogatesAndCutSequences) {
  EXPECT_TRUE(is_valid_utf8("caf\xC3\xA9 \xF0\x9F\x9A\xA2"));
  EXPECT_FALSE(is_valid_utf8("\xC0\xAF"));
  EXPECT_FALSE(is_valid_utf8("\xED\xA0\x80"));
  EXPECT_FALSE(is_valid_utf8("\xE2\x82"));
  EXPECT_FALSE(is_valid_utf8("\xF4\x90\x80\x80"));
}

TEST(Printable, LeavesNoControlCharacterAndNoBareQuote) {
  EXPECT_EQ(printable("a\"b\n\x1b[0m"), "a\\\"b\\n\\x1b[0m");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
  EXPECT_EQ(printable("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(printable("caf\xc3\xa9", 4), "caf...") << "not in the middle of a letter";
  EXPECT_EQ(printable("caf\xe9"), "caf\\xe9");
}

TEST(Readable, LeavesQuotesAndBackslashesWhereTextStandsAlone) {
  EXPECT_EQ(readable("C:\\dir \"x\"\x1b\n"), "C:\\dir \"x\"\\x1b\\n");
  EXPECT_EQ(readable("abcdef", 3), "abc...");
}

RC_GTEST_PROP(Split, IsUndoneByJoin, (const std::string& text)) {
  RC_ASSERT(join(split(text, ','), ",") == text);
}

}  // namespace
}  // namespace ecluse
