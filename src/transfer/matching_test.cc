#include "transfer/matching.h"

#include <gtest/gtest.h>

namespace ecluse::transfer {
namespace {

TargetColumn column(std::string name) {
  return {.name = std::move(name), .type = {.kind = Kind::kText, .name = "text"}};
}
SourceTable source(std::string name, std::vector<SourceColumn> columns, std::uint64_t rows = 1) {
  return {.name = std::move(name), .columns = std::move(columns), .rows = rows};
}
TargetTable target(std::uint32_t oid, std::string name, std::vector<TargetColumn> columns) {
  return {oid, name, "public." + name, std::move(columns)};
}

TEST(Matching, NamesMatchExactlyElseWithoutCase) {
  const std::vector files{source("User", {{"Id"}, {"name"}})};
  const std::vector schema{target(1, "user", {column("id"), column("name")}),
                           target(2, "User", {column("ID"), column("name")})};
  const auto found = match(files, schema, {});
  ASSERT_EQ(found.tables.size(), 1u);
  EXPECT_EQ(found.tables[0].target.oid, 2u);
  EXPECT_EQ(found.tables[0].columns.size(), 2u);
  ASSERT_EQ(found.untouched.size(), 1u);
  EXPECT_EQ(found.untouched[0].name, "user");
}

TEST(Matching, RowsWithoutATableAreNamedUnlessLeftBehind) {
  const std::vector files{source("old", {{"id"}}, 3), source("empty", {{"id"}}, 0)};
  const auto found = match(files, {}, {});
  ASSERT_EQ(found.misfits.size(), 1u);
  EXPECT_EQ(found.misfits[0].table, "old");
  EXPECT_EQ(found.misfits[0].what, "its 3 rows have no table in the release's schema");
  const std::vector<std::string> without{"old"};
  EXPECT_TRUE(match(files, {}, without).misfits.empty());
}

TEST(Matching, ColumnsWithoutAPlaceAreLostAndDemandedOnesAreNamed) {
  auto demanded = column("born");
  demanded.required = true;
  auto computed = column("upper");
  computed.computed = true;
  computed.required = true;
  const std::vector files{source("person", {{"name"}, {"upper"}, {"shoe"}})};
  const std::vector schema{
      target(1, "person", {column("name"), demanded, computed, column("note")})};
  const auto found = match(files, schema, {});
  ASSERT_EQ(found.tables.size(), 1u);
  EXPECT_EQ(found.tables[0].lost, std::vector<std::string>{"shoe"});
  EXPECT_EQ(found.tables[0].columns.size(), 1u);  // what PostgreSQL computes is not sent
  ASSERT_EQ(found.misfits.size(), 1u);
  EXPECT_EQ(found.misfits[0].column, "born");
  EXPECT_EQ(found.notes,
            std::vector<std::string>{"person.note is not in the file: its rows get its default"});
  const std::vector<std::string> without{"person.shoe"};
  EXPECT_TRUE(match(files, schema, without).tables[0].lost.empty());
}

TEST(Matching, AMigrationToolsOwnTableStays) {
  const std::vector files{source("django_migrations", {{"id"}})};
  const std::vector schema{target(1, "django_migrations", {column("id")})};
  const auto found = match(files, schema, {});
  EXPECT_TRUE(found.tables.empty());
  EXPECT_TRUE(found.untouched.empty());
  EXPECT_EQ(found.bookkeeping, std::vector<std::string>{"django_migrations"});
}

}  // namespace
}  // namespace ecluse::transfer
