#include "transfer/matching.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <set>

namespace ecluse::transfer {

namespace {
/// The named one of `all`: exactly, else by the only one that differs in case alone.
template <typename Named>
const Named* find(std::span<const Named> all, const std::string& name) {
  const Named* near = nullptr;
  int found = 0;
  for (const auto& one : all) {
    if (one.name == name) return &one;
    if (strcasecmp(one.name.c_str(), name.c_str()) != 0) continue;
    near = &one;
    ++found;
  }
  return found == 1 ? near : nullptr;
}

bool is_left_out(std::span<const std::string> without, const std::string& name) {
  return std::ranges::find(without, name) != without.end();
}

class Matcher {
 public:
  Matcher(std::span<const TargetTable> target, std::span<const std::string> without)
      : target_(target), without_(without) {}

  void table(const SourceTable& source) {
    if (is_left_out(without_, source.name)) return;
    if (is_bookkeeping(source.name)) {
      out_.bookkeeping.push_back(source.name);
      return;
    }
    const auto* target = find(target_, source.name);
    if (target == nullptr) return homeless(source);
    TablePair pair{source, *target, {}, {}};
    pair_columns(pair);
    find_required(pair);
    filled_.insert(target->oid);
    out_.tables.push_back(std::move(pair));
  }

  Matching finish() {
    for (const auto& table : target_)
      if (!filled_.contains(table.oid) && !is_bookkeeping(table.name))
        out_.untouched.push_back(table);
    return std::move(out_);
  }

 private:
  void homeless(const SourceTable& source) {
    if (source.rows == 0) return;
    out_.misfits.push_back(
        {source.name, "", "",
         fmt::format("its {} rows have no table in the release's schema", source.rows),
         fmt::format("deploy the release whose migrations make it, or leave it "
                     "behind: --without {}",
                     source.name)});
  }

  void pair_columns(TablePair& pair) {
    for (std::size_t i = 0; i < pair.source.columns.size(); ++i) {
      const auto& name = pair.source.columns[i].name;
      if (is_left_out(without_, pair.source.name + "." + name)) continue;
      const auto* column = find(std::span<const TargetColumn>(pair.target.columns), name);
      if (column == nullptr) {
        pair.lost.push_back(name);
      } else if (!column->computed) {
        pair.columns.push_back({i, static_cast<std::size_t>(column - pair.target.columns.data())});
      }
    }
  }

  void find_required(const TablePair& pair) {
    for (std::size_t i = 0; i < pair.target.columns.size(); ++i) {
      const auto& column = pair.target.columns[i];
      const bool given = std::ranges::any_of(
          pair.columns, [&](const ColumnPair& both) { return both.target == i; });
      if (given || column.computed || pair.source.rows == 0) continue;
      if (column.required) {
        out_.misfits.push_back(
            {pair.source.name, "", column.name,
             "the release's schema demands it and the file does not have it",
             "run the release's migrations on a copy of the file, and move that"});
      } else {
        out_.notes.push_back(fmt::format("{}.{} is not in the file: its rows get its default",
                                         pair.source.name, column.name));
      }
    }
  }

  std::span<const TargetTable> target_;
  std::span<const std::string> without_;
  std::set<std::uint32_t> filled_;
  Matching out_;
};
}  // namespace

bool is_bookkeeping(std::string_view table) {
  constexpr std::array<std::string_view, 7> kNames = {
      "django_migrations", "alembic_version", "_prisma_migrations",  "knex_migrations",
      "schema_migrations", "SequelizeMeta",   "ar_internal_metadata"};
  return std::ranges::find(kNames, table) != kNames.end();
}

Matching match(std::span<const SourceTable> source, std::span<const TargetTable> target,
               std::span<const std::string> without) {
  Matcher matcher(target, without);
  for (const auto& table : source) matcher.table(table);
  return matcher.finish();
}

}  // namespace ecluse::transfer
