#include "transfer/load_order.h"

#include <gtest/gtest.h>

namespace ecluse::transfer {
namespace {

Reference reference(std::uint32_t child, std::uint32_t parent, bool deferrable = false) {
  return {"fk", child, parent, deferrable};
}
using Tables = std::vector<std::uint32_t>;

TEST(LoadOrder, ParentsComeFirst) {
  const Tables tables{1, 2, 3};
  const std::vector references{reference(1, 2), reference(2, 3)};
  const auto order = load_order(tables, references);
  EXPECT_EQ(order.tables, (Tables{3, 2, 1}));
  EXPECT_TRUE(order.to_defer.empty());
}

TEST(LoadOrder, ATableThatRefersToItselfOrElsewhereIsFree) {
  const Tables tables{1, 2};
  const std::vector references{reference(1, 1), reference(2, 99), reference(99, 1)};
  EXPECT_EQ(load_order(tables, references).tables, tables);
}

TEST(LoadOrder, ACircleIsCutWhereItMustBe) {
  const Tables tables{1, 2};
  const std::vector references{reference(1, 2), reference(2, 1)};
  const auto order = load_order(tables, references);
  EXPECT_EQ(order.tables, tables);
  ASSERT_EQ(order.to_defer.size(), 1u);
  EXPECT_EQ(order.to_defer[0].child, 1u);
}

TEST(LoadOrder, WhatIsDeferrableAlreadyIsLeftAlone) {
  const Tables tables{1, 2};
  const std::vector references{reference(1, 2, true), reference(2, 1, true)};
  const auto order = load_order(tables, references);
  EXPECT_EQ(order.tables.size(), 2u);
  EXPECT_TRUE(order.to_defer.empty());
}

}  // namespace
}  // namespace ecluse::transfer
