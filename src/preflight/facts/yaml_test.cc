#include "preflight/facts/yaml.h"

#include <gtest/gtest.h>

#include <string>

namespace ecluse::preflight {
namespace {

TEST(ReadYaml, EndsAtACommaThatNoListSurrounds) {
  for (const std::string source : {", loo", "\n ,", "a: 1\n---\n, b\n"})
    EXPECT_FALSE(read_yaml(source).problem.empty()) << source;
}

TEST(ReadYaml, SaysWhereTheCommaIs) {
  const auto file = read_yaml("a: 1\n---\n  , b\n");
  EXPECT_EQ(file.problem, "a value cannot begin like this");
  EXPECT_EQ(file.place.line, 3);
  EXPECT_EQ(file.place.column, 3);
}

TEST(ReadYaml, ReadsDocumentsThatAreEmpty) {
  const auto file = read_yaml("---\n---\na: 1\n---\n");
  EXPECT_EQ(file.problem, "");
  ASSERT_EQ(file.documents.size(), 3U);
  EXPECT_EQ(file.documents[1].scalar("a"), "1");
}

TEST(ReadYaml, CountsEmptyValuesAmongThoseThatAreRead) {
  std::string source = "[";
  for (std::size_t i = 0; i <= kYamlNodesMax; ++i) source += "~,";
  EXPECT_EQ(read_yaml(source + "]").problem, "more values than are read");
}

}  // namespace
}  // namespace ecluse::preflight
