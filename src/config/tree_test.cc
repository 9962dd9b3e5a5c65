#include "config/tree.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "config/parse.h"

namespace ecluse::config {
namespace {

std::string problem_of(std::string_view text) {
  const Tree tree = read_tree(text, "x.yml");
  EXPECT_FALSE(tree.root);
  return tree.problems.empty() ? "" : tree.problems[0].message;
}

std::string repeat(std::string_view piece, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += piece;
  return out;
}

TEST(HostileYaml, OfTooManyBytesIsNotEvenRead) {
  EXPECT_EQ(problem_of("a: " + std::string(kFileBytesMax, 'x')),
            fmt::format("the file has {} bytes", kFileBytesMax + 3));
}

TEST(HostileYaml, NestedTooDeepIsRefusedInEveryStyle) {
  EXPECT_EQ(problem_of(repeat("[", 30'000) + repeat("]", 30'000)),
            "lists and maps are nested too deep");
  EXPECT_EQ(problem_of(repeat("{a: ", 10'000) + repeat("}", 10'000)),
            "lists and maps are nested too deep");
  EXPECT_EQ(problem_of(repeat("- ", 50'000) + "x"), "lists and maps are nested too deep");
  std::string blocks;
  for (std::size_t i = 0; i < 200; ++i) blocks += std::string(i, ' ') + "a:\n";
  EXPECT_EQ(problem_of(blocks), "lists and maps are nested too deep");
}

TEST(HostileYaml, WithAliasesOfAliasesIsCountedAsIfWrittenOut) {
  std::string laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 10; ++i)
    laughs += fmt::format("a{0}: &a{0} [{1}]\n", i,
                          repeat(fmt::format("*a{}, ", i - 1), 9) + fmt::format("*a{}", i - 1));
  EXPECT_EQ(problem_of(laughs), "the file has too many values");
}

TEST(HostileYaml, WithLongTextsRepeatedByAliasesIsRefused) {
  const std::string text =
      "a: &a " + std::string(10'000, 'x') + "\nb: [" + repeat("*a, ", 200) + "]";
  EXPECT_EQ(problem_of(text), "the values are too long together");
}

TEST(HostileYaml, WithManyAnchorsOrAnAliasOfItselfIsRefused) {
  std::string anchors;
  for (int i = 0; i < 200; ++i) anchors += fmt::format("k{0}: &a{0} x\n", i);
  EXPECT_EQ(problem_of(anchors), "the file has too many anchors");
  EXPECT_EQ(problem_of("a: &a [*a]"), "an alias stands inside its own anchor");
  EXPECT_EQ(problem_of("a: *nobody"), "not readable as YAML: the referenced anchor is not defined");
}

TEST(HostileYaml, WithAnEscapedNulOrAnEndlessValueIsRefused) {
  EXPECT_EQ(problem_of("a: \"x\\0y\""), "a value holds a NUL character");
  EXPECT_EQ(problem_of("a: " + std::string(kScalarBytesMax + 1, 'x')),
            "a value of 16385 bytes is too long");
}

TEST(HostileYaml, WithAKeyThatIsNoWordIsRefused) {
  for (const char* text : {"? [a, b]\n: c\n", "{a: b}: c", "? {x: y}\n: z", "? \n: z"})
    EXPECT_TRUE(problem_of(text).starts_with("a key is")) << problem_of(text);
}

TEST(Tree, KnowsWhereEachValueStands) {
  const Tree tree = read_tree("a:\n  - \"ü\"\n  - {b: c}\n", "x.yml");
  ASSERT_TRUE(tree.root);
  const Node* list = tree.root->find("a");
  ASSERT_NE(list, nullptr);
  ASSERT_EQ(list->items.size(), 2u);
  EXPECT_EQ(list->items[0].place, (Place{2, 5}));
  EXPECT_TRUE(list->items[0].quoted);
  EXPECT_EQ(list->items[1].find("b")->place, (Place{3, 9}));
}

TEST(Tree, CountsColumnsInCharactersNotBytes) {
  const Tree tree = read_tree("{é: ü, x: y}", "x.yml");
  ASSERT_TRUE(tree.root);
  EXPECT_EQ(tree.root->find("x")->place, (Place{1, 11}));
}

RC_GTEST_PROP(Tree, OfAnyBytesIsReadOrRefusedWithAReason, (const std::string& bytes)) {
  const Tree tree = read_tree(bytes, "x.yml");
  RC_ASSERT(tree.root.has_value() || !tree.problems.empty());
  RC_ASSERT(parse(bytes, "x.yml").has_value() == false);  // no random bytes make an app
}

}  // namespace
}  // namespace ecluse::config
