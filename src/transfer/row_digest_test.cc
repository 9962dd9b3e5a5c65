#include "transfer/row_digest.h"

#include <gtest/gtest.h>

#include <vector>

namespace ecluse::transfer {
namespace {

using Row = std::vector<Cell>;

RowDigest digest(const std::vector<Row>& rows) {
  RowDigest out;
  for (const auto& row : rows) out.add(hash_of(row));
  return out;
}

TEST(RowDigest, TheOrderOfRowsDoesNotMatter) {
  EXPECT_EQ(digest({{"a"}, {"b"}, {"b"}}), digest({{"b"}, {"a"}, {"b"}}));
}

TEST(RowDigest, EveryDifferenceOfValuesDoes) {
  const auto of_one = digest({{"ab", "c"}});
  for (const auto& other : {Row{"a", "bc"}, Row{"ab", ""}, Row{"ab", {}}, Row{"c", "ab"}})
    EXPECT_NE(of_one, digest({other}));
  EXPECT_NE(digest({{Cell{}}}), digest({{""}}));
  EXPECT_NE(of_one, digest({{"ab", "c"}, {"ab", "c"}}));
  EXPECT_NE(digest({{"a"}, {"a"}, {"b"}}).text(), digest({{"a"}, {"b"}, {"b"}}).text());
}

}  // namespace
}  // namespace ecluse::transfer
