#include "preflight/proposal/shell_line.h"

#include <gtest/gtest.h>

namespace ecluse::preflight {
namespace {

TEST(ShellLine, LeavesAPlainWordAndItsVariables) {
  EXPECT_EQ(shell_word("0.0.0.0:$PORT"), "0.0.0.0:$PORT");
}

TEST(ShellLine, QuotesWhatAShellWouldTakeApart) {
  EXPECT_EQ(shell_word("shop:create_app()"), "'shop:create_app()'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word(""), "''");
}

TEST(ShellLine, KeepsTheQuotesOfACommandThatIsStartedInAFolder) {
  EXPECT_EQ(started_in("web", "gunicorn 'shop:create_app()'"),
            "sh -c 'cd web && exec gunicorn '\\''shop:create_app()'\\'''");
}

TEST(ShellLine, KnowsWhatStandsInFrontOfTheProgramOfDotenv) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(dotenv_words(Words{"dotenv", "-e", "../.env", "--", "npx", "prisma"}), 4U);
  EXPECT_EQ(dotenv_words(Words{"dotenv", "--", "node"}), 2U);
  EXPECT_EQ(dotenv_words(Words{"dotenv", "-e", ".env", "node"}), 3U);
  EXPECT_EQ(dotenv_words(Words{"dotenv", "-e"}), 2U);
  EXPECT_EQ(dotenv_words(Words{"node", "--"}), 0U);
}

}  // namespace
}  // namespace ecluse::preflight
