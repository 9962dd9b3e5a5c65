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

}  // namespace
}  // namespace ecluse::preflight
