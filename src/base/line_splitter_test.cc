#include "base/line_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace ecluse {
namespace {

using testing::ElementsAre;

std::vector<std::string> lines_of(LineSplitter splitter, std::vector<std::string_view> pieces) {
  std::vector<std::string> lines;
  const auto keep = [&](std::string_view line) { lines.emplace_back(line); };
  for (const auto piece : pieces) splitter.push(piece, keep);
  splitter.finish(keep);
  return lines;
}

TEST(LineSplitter, GivesEveryLineAlsoTheEmptyAndTheUnfinished) {
  EXPECT_THAT(lines_of(LineSplitter(LineSplitter::Ends::kNewline), {"a\n\nb", "c\r\nd"}),
              ElementsAre("a", "", "bc\r", "d"));
}

TEST(LineSplitter, TakesAProgressBarApart) {
  EXPECT_THAT(lines_of(LineSplitter(LineSplitter::Ends::kProgress), {"a\r\nb\rc\n\nd"}),
              ElementsAre("a", "b", "c", "d"));
}

TEST(LineSplitter, CutsALineAtItsBoundBehindABlankIfItCan) {
  EXPECT_THAT(lines_of(LineSplitter(LineSplitter::Ends::kNewline, 4), {"12345678"}),
              ElementsAre("1234", "5678"));
  EXPECT_THAT(lines_of(LineSplitter(LineSplitter::Ends::kNewline, 8), {"key=1 hunter2 x\n"}),
              ElementsAre("key=1 ", "hunter2 ", "x"));
}

}  // namespace
}  // namespace ecluse
