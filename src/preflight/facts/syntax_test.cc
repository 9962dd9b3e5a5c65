#include "preflight/facts/syntax.h"

#include <gtest/gtest.h>

#include <string>

#include "preflight/facts/python.h"

namespace ecluse::preflight {
namespace {

std::string times(std::size_t count, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

TEST(SyntaxTree, OutlivesAFileOfBrackets) {
  const auto brackets = times(70'000, "(");
  for (const auto grammar : {Grammar::kPython, Grammar::kTsx, Grammar::kBash})
    EXPECT_TRUE(SyntaxTree::parse(grammar, brackets));
}

// tree-sitter 0.20 dereferenced a null pointer here.
TEST(SyntaxTree, OutlivesAnEmptyElementInAFunctionThatDoesNotEnd) {
  const auto tree = SyntaxTree::parse(Grammar::kTsx, "i=function (){return<></>");
  ASSERT_TRUE(tree);
  EXPECT_TRUE(ts_node_has_error(tree->root().node()));
}

// The scanner looks ahead over the whole rest at each of these: quadratic, and it takes no memory.
TEST(SyntaxTree, GivesUpOnAFileThatCostsMoreThanAnyOfPeopleAndReadsTheNextOne) {
  EXPECT_TRUE(read_python("a.py", times(40'000, "\\\n")).truncated);
  const auto after = read_python("b.py", "import os\nTOKEN = os.environ['TOKEN']\n");
  EXPECT_FALSE(after.truncated);
  ASSERT_EQ(after.reads.size(), 1U);
  EXPECT_EQ(after.reads[0].name, "TOKEN");
}

TEST(SyntaxTree, ReadsTheLargestFileOfPeoplesOwn) {
  const auto python = times((1 << 20) / 40, "shop.settings(a[1], key='value', n=2)\n");
  EXPECT_TRUE(SyntaxTree::parse(Grammar::kPython, python));
  const auto script = times((1 << 20) / 40, "shop.settings(a[1], {key: 'value'}, 2);\n");
  EXPECT_TRUE(SyntaxTree::parse(Grammar::kTsx, script));
}

// A chunk may end inside a character, and inside a word.
TEST(SyntaxTree, SeesTheSameAcrossTheEndsOfChunks) {
  for (std::size_t shift = 0; shift < 8; ++shift) {
    const auto blank = "#" + std::string(kChunkBytes - 12 + shift, ' ') + "\n";
    const auto file = read_python("c.py", blank + "NAME = \"\u00e9\u20ac\U0001F600\"\n");
    ASSERT_EQ(file.assignments.size(), 1U) << shift;
    EXPECT_EQ(file.assignments[0].target, "NAME") << shift;
    EXPECT_EQ(file.assignments[0].value.text, "\u00e9\u20ac\U0001F600") << shift;
  }
}

TEST(SyntaxTree, NamesNodesThatDoNotParse) {
  const auto tree = SyntaxTree::parse(Grammar::kPython, "def (:\n");
  ASSERT_TRUE(tree);
  bool error = false;
  for_each_node(tree->root(), 8, [&](const Syntax& node) {
    error |= node.type() == "ERROR";
    return true;
  });
  EXPECT_TRUE(error);
}

TEST(Python, ReadsVariablesThatArePutIntoAText) {
  const auto file = read_python(
      "a.py", "import os\nURL = f\"db://{os.environ['DB_USER']}@x/{os.environ['DB_NAME']}\"\n");
  ASSERT_EQ(file.reads.size(), 2U);
  EXPECT_EQ(file.reads[0].name, "DB_USER");
  EXPECT_TRUE(file.reads[1].required);
}

}  // namespace
}  // namespace ecluse::preflight
