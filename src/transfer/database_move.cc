#include "transfer/database_move.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "base/text.h"
#include "os/desk.h"
#include "transfer/load_order.h"
#include "transfer/matching.h"
#include "transfer/row_digest.h"
#include "transfer/schema.h"
#include "transfer/sqlite_file.h"
#include "transfer/still_copy.h"

namespace ecluse::transfer {

namespace {
namespace fs = std::filesystem;
using ports::Misfit;
using ports::MoveOrder;
using ports::MoveReport;

constexpr std::size_t kMisfitsMax = 100;
/// Of a table that already holds more, no row is compared: it is in use.
constexpr std::uint64_t kComparedRowsMax = 100'000;

/// Of "anna (uid 1000)".
std::optional<uid_t> uid_of(const std::string& actor) {
  constexpr std::string_view kMark = "(uid ";
  const auto at = actor.find(kMark);
  if (at == std::string::npos) return std::nullopt;
  uid_t uid = 0;
  const auto* const begin = actor.data() + at + kMark.size();
  const auto [end, code] = std::from_chars(begin, actor.data() + actor.size(), uid);
  return code == std::errc{} && *end == ')' ? std::optional(uid) : std::nullopt;
}

std::string names_of(const TablePair& pair, std::span<const ColumnPair> columns) {
  std::vector<std::string> names;
  for (const auto& both : columns)
    names.push_back(identifier(pair.target.columns[both.target].name));
  return join(names, ", ");
}

/// Blanks at the end of char(n) mean nothing, and only a cast drops them.
std::string selection_of(const TablePair& pair, std::span<const ColumnPair> columns) {
  std::vector<std::string> names;
  for (const auto& both : columns) {
    const auto& column = pair.target.columns[both.target];
    names.push_back(identifier(column.name) + (column.type.kind == Kind::kPadded ? "::text" : ""));
  }
  return join(names, ", ");
}

std::vector<std::size_t> sources_of(std::span<const ColumnPair> columns) {
  std::vector<std::size_t> out;
  for (const auto& both : columns) out.push_back(both.source);
  return out;
}

/// What tells a row from others beside numbers that the database itself gave out.
std::vector<ColumnPair> own_columns(const TablePair& pair) {
  std::vector<ColumnPair> own;
  for (const auto& both : pair.columns) {
    const auto& column = pair.target.columns[both.target];
    const bool given_out = column.key && column.type.kind == Kind::kInteger;
    if (!given_out && !column.reference) own.push_back(both);
  }
  return own.empty() ? pair.columns : own;
}

class Mover {
 public:
  Mover(const MoveOrder& order, SqliteFile source, Postgres target, const ports::LineSink& progress,
        const std::stop_token& stop)
      : order_(order),
        source_(std::move(source)),
        target_(std::move(target)),
        progress_(progress),
        stop_(stop) {
    report_.dry_run = order.dry_run;
  }

  Result<MoveReport> run() {
    ECLUSE_TRY(target_.execute("BEGIN"));
    ECLUSE_TRY(one_at_a_time());
    ECLUSE_TRY(make_plan());
    ECLUSE_TRY(examine());
    if (report_.misfits_total > 0) return std::move(report_);
    ECLUSE_TRY(order_.dry_run ? rehearse() : replace());
    if (order_.dry_run) return std::move(report_);
    const auto done = target_.execute("COMMIT");
    if (!done && done.error().kind == ErrorKind::kUnavailable)
      return fail(done.error().kind,
                  "the connection was lost while it was made final: " + done.error().message,
                  "it is there whole or not at all; `ecluse db move --dry-run` tells which");
    ECLUSE_TRY(done);
    report_.moved = true;
    return std::move(report_);
  }

 private:
  // --- before anything is written

  Result<void> one_at_a_time() {
    ECLUSE_ASSIGN(const auto got,
                  target_.query("SELECT pg_try_advisory_xact_lock(hashtext('ecluse db move'))"));
    if (got.at(0).at(0) == "t") return {};
    return fail(ErrorKind::kConflict, "another move into this database is under way");
  }

  Result<void> make_plan() {
    ECLUSE_ASSIGN(const auto tables, source_.tables());
    ECLUSE_ASSIGN(schema_, read_schema(target_));
    plan_ = match(tables, schema_.tables, order_.without);
    if (plan_.tables.empty() && plan_.misfits.empty())
      return fail(ErrorKind::kRefused, "no table of the file is in the release's schema",
                  "the release jobs make the schema: `release: [python manage.py migrate]`, then "
                  "`ecluse deploy`");
    for (auto& misfit : plan_.misfits) add(std::move(misfit));
    report_.notes = plan_.notes;
    for (const auto& table : plan_.bookkeeping) ECLUSE_TRY(compare_history(table));
    std::vector<std::uint32_t> oids;
    for (const auto& pair : plan_.tables) oids.push_back(pair.target.oid);
    load_ = load_order(oids, schema_.references);
    return {};
  }

  /// What the release's migrations do beyond the file's may be more than its schema.
  Result<void> compare_history(const std::string& table) {
    const bool django = table == "django_migrations";
    if (!django && table != "alembic_version") return {};
    const std::string what = django ? "app || '.' || name" : "version_num";
    const bool there = std::ranges::any_of(
        schema_.tables, [&](const TargetTable& one) { return one.name == table; });
    if (!there) return {};
    const auto query = fmt::format("SELECT {} FROM {} ORDER BY 1", what, table);
    ECLUSE_ASSIGN(const auto ours, source_.texts(query));
    ECLUSE_ASSIGN(const auto theirs, target_.query(query));
    std::vector<std::string> missing;
    for (const auto& row : theirs)
      if (std::ranges::find(ours, row[0].value_or("")) == ours.end())
        missing.push_back(row[0].value_or(""));
    if (!missing.empty())
      report_.notes.push_back(
          fmt::format("the file has not had the migrations {}, which the release has: what they do "
                      "to rows was not done to these",
                      join(missing, ", ")));
    return {};
  }

  Result<void> examine() {
    for (const auto& pair : plan_.tables) {
      for (const auto& column : pair.lost) ECLUSE_TRY(examine_lost(pair, column));
      ECLUSE_TRY(examine_rows(pair));
    }
    ECLUSE_ASSIGN(const auto orphans, source_.orphans(kMisfitsMax));
    for (const auto& orphan : orphans)
      if (std::ranges::any_of(plan_.tables, [&](const TablePair& pair) {
            return pair.source.name == orphan.table;
          }))
        add(orphan);
    return {};
  }

  Result<void> examine_lost(const TablePair& pair, const std::string& column) {
    ECLUSE_ASSIGN(const auto values, source_.count_values(pair.source.name, column));
    if (values > 0)
      add({pair.source.name, "", column,
           fmt::format("the release's schema has no such column, and {} rows have a value in it",
                       values),
           fmt::format("run the release's migrations on a copy of the file, or leave it behind: "
                       "--without {}.{}",
                       pair.source.name, column)});
    return {};
  }

  Result<void> examine_rows(const TablePair& pair) {
    return each_row(pair, pair.columns, [&](const SourceRow& row) -> Result<void> {
      for (std::size_t i = 0; i < row.values.size(); ++i) {
        const auto& column = pair.target.columns[pair.columns[i].target];
        auto fitted = fit(row.values[i], column.type, nuls());
        if (auto* unfit = std::get_if<Unfit>(&fitted)) {
          add({pair.source.name, row.key, column.name, unfit->what, unfit->fix});
        } else if (!std::get<Cell>(fitted) && column.required) {
          add({pair.source.name, row.key, column.name, "NULL, where the schema wants a value",
               "give it a value in a copy of the file, and move that"});
        }
      }
      return {};
    });
  }

  void add(Misfit misfit) {
    report_.misfits_total += 1;
    if (report_.misfits.size() < kMisfitsMax) report_.misfits.push_back(std::move(misfit));
  }

  // --- writing

  /// The same rows into temporary tables of the same make: everything but references between them
  /// is checked, and nobody waits for a lock.
  Result<void> rehearse() {
    for (std::size_t i = 0; i < plan_.tables.size(); ++i) {
      const auto& pair = plan_.tables[i];
      const auto name = fmt::format("pg_temp.ecluse_move_{}", i);
      ECLUSE_TRY(target_.execute(
          fmt::format("CREATE TEMPORARY TABLE ecluse_move_{} (LIKE {} INCLUDING CONSTRAINTS "
                      "INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING INDEXES) ON COMMIT DROP",
                      i, pair.target.quoted)));
      ECLUSE_TRY(fill(pair, name, 0));
    }
    ECLUSE_ASSIGN(const auto unknown, unknown_rows());
    if (!unknown.empty())
      report_.notes.push_back("the target is in use: " + unknown + "; moving needs --replace");
    return {};
  }

  Result<void> replace() {
    for (const auto& pair : plan_.tables)
      ECLUSE_TRY(
          target_.execute(fmt::format("LOCK TABLE {} IN EXCLUSIVE MODE", pair.target.quoted)));
    ECLUSE_ASSIGN(const auto unknown, unknown_rows());
    if (!unknown.empty() && !order_.replace)
      return fail(ErrorKind::kRefused, "the target is in use: " + unknown,
                  "--replace deletes what it holds and puts the file's rows in its place");
    ECLUSE_TRY(defer());
    std::map<std::uint32_t, std::uint64_t> replaced;
    for (auto table = load_.tables.rbegin(); table != load_.tables.rend(); ++table) {
      ECLUSE_ASSIGN(replaced[*table], count(pair_of(*table).target.quoted));
      ECLUSE_TRY(target_.execute("DELETE FROM " + pair_of(*table).target.quoted));
    }
    for (const auto table : load_.tables)
      ECLUSE_TRY(fill(pair_of(table), pair_of(table).target.quoted, replaced[table]));
    ECLUSE_TRY(target_.execute("SET CONSTRAINTS ALL IMMEDIATE"));  // now a reference is checked
    for (const auto& reference : load_.to_defer) ECLUSE_TRY(alter(reference, "NOT DEFERRABLE"));
    for (const auto& pair : plan_.tables)
      for (const auto& column : pair.target.columns)
        if (!column.sequence.empty()) ECLUSE_TRY(advance(pair, column));
    return {};
  }

  Result<void> defer() {
    for (const auto& reference : load_.to_defer)
      ECLUSE_TRY(alter(reference, "DEFERRABLE INITIALLY DEFERRED"));
    return target_.execute("SET CONSTRAINTS ALL DEFERRED");
  }

  Result<void> alter(const Reference& reference, const char* how) {
    return target_.execute(fmt::format("ALTER TABLE {} ALTER CONSTRAINT {} {}",
                                       pair_of(reference.child).target.quoted,
                                       identifier(reference.name), how));
  }

  const TablePair& pair_of(std::uint32_t oid) const {
    return *std::ranges::find_if(plan_.tables,
                                 [&](const TablePair& pair) { return pair.target.oid == oid; });
  }

  Result<std::uint64_t> count(const std::string& table) {
    ECLUSE_ASSIGN(const auto rows, target_.query("SELECT count(*) FROM " + table));
    return std::stoull(rows.at(0).at(0).value_or("0"));
  }

  Result<void> fill(const TablePair& pair, const std::string& into, std::uint64_t replaced) {
    if (pair.columns.empty()) return {};
    RowDigest sent;
    const auto put_all = [&](const Postgres::Put& put) {
      return each_row(pair, pair.columns, [&](const SourceRow& row) -> Result<void> {
        ECLUSE_ASSIGN(const auto cells, cells_of(pair, pair.columns, row));
        sent.add(hash_of(canonical_cells(pair, pair.columns, cells)));
        return put(cells);
      });
    };
    ECLUSE_TRY(
        target_.copy_in(fmt::format("{} ({})", into, names_of(pair, pair.columns)), put_all));
    RowDigest found;
    ECLUSE_TRY(
        target_.copy_out(fmt::format("SELECT {} FROM {}", selection_of(pair, pair.columns), into),
                         [&](std::vector<Cell> row) -> Result<void> {
                           found.add(hash_of(canonical_cells(pair, pair.columns, std::move(row))));
                           return {};
                         }));
    if (sent != found)
      return fail(
          ErrorKind::kInternal,
          fmt::format("{}: what was read back is not what was sent: {} rows {}, {} rows {}",
                      pair.source.name, sent.rows(), sent.text(), found.rows(), found.text()),
          "does a trigger of the table change its rows? Nothing was changed");
    report_.tables.push_back({pair.source.name, sent.rows(), sent.text(), replaced});
    progress_(fmt::format("{}: {} rows, checksum {}", pair.source.name, sent.rows(), sent.text()));
    return {};
  }

  /// ALTER SEQUENCE ... RESTART is undone with its transaction, setval() is not.
  Result<void> advance(const TablePair& pair, const TargetColumn& column) {
    ECLUSE_ASSIGN(
        const auto limits,
        target_.query(fmt::format("SELECT s.seqmin, s.seqmax, s.seqincrement, max({})::text "
                                  "FROM pg_sequence s LEFT JOIN {} ON true "
                                  "WHERE s.seqrelid = $1::regclass GROUP BY 1, 2, 3",
                                  identifier(column.name), pair.target.quoted),
                      {column.sequence}));
    if (limits.empty() || std::stoll(*limits[0][2]) <= 0) return {};  // it counts down
    const auto least = std::stoll(*limits[0][0]);
    const auto most = std::stoll(*limits[0][1]);
    auto used = least - 1;
    if (limits[0][3]) used = std::max<long long>(used, std::stoll(*limits[0][3]));
    if (column.key && pair.source.high_water)
      used = std::max<long long>(used, *pair.source.high_water);
    if (used >= most)
      report_.notes.push_back(fmt::format("{}.{} has used the last number of its sequence",
                                          pair.source.name, column.name));
    return target_.execute(fmt::format("ALTER SEQUENCE {} RESTART WITH {}", column.sequence,
                                       used >= most ? most : used + 1));
  }

  // --- whether somebody uses the target already

  /// "auth_user has 2 rows, ..." that the file does not have; empty: none.
  Result<std::string> unknown_rows() {
    std::vector<std::string> found;
    for (const auto& pair : plan_.tables) {
      ECLUSE_ASSIGN(const auto unknown, unknown_in(pair));
      if (unknown > 0) found.push_back(fmt::format("{} has {} rows", pair.target.name, unknown));
    }
    for (const auto& table : plan_.untouched) {
      if (!refers_to_moved(table)) continue;
      ECLUSE_ASSIGN(const auto rows, count(table.quoted));
      if (rows > 0) found.push_back(fmt::format("{} has {} rows", table.name, rows));
    }
    return found.empty() ? "" : join(found, ", ") + " that the file does not have";
  }

  bool refers_to_moved(const TargetTable& table) const {
    return std::ranges::any_of(schema_.references, [&](const Reference& reference) {
      return reference.child == table.oid &&
             std::ranges::find(load_.tables, reference.parent) != load_.tables.end();
    });
  }

  /// A row counts as known when the file has one that is equal in all but numbers that a database
  /// gives out: what the release jobs put there themselves is in both.
  Result<std::uint64_t> unknown_in(const TablePair& pair) {
    ECLUSE_ASSIGN(const auto rows, count(pair.target.quoted));
    if (rows == 0 || rows > kComparedRowsMax) return rows;
    const auto own = own_columns(pair);
    std::multiset<RowHash> unknown;
    ECLUSE_TRY(target_.copy_out(
        fmt::format("SELECT {} FROM {}", selection_of(pair, own), pair.target.quoted),
        [&](std::vector<Cell> row) -> Result<void> {
          unknown.insert(hash_of(canonical_cells(pair, own, std::move(row))));
          return {};
        }));
    ECLUSE_TRY(each_row(pair, own, [&](const SourceRow& row) -> Result<void> {
      ECLUSE_ASSIGN(auto cells, cells_of(pair, own, row));
      unknown.erase(hash_of(canonical_cells(pair, own, std::move(cells))));
      return {};
    }));
    return unknown.size();
  }

  // --- rows

  NulCharacters nuls() const {
    return order_.drop_nul ? NulCharacters::kDrop : NulCharacters::kRefuse;
  }

  Result<void> each_row(const TablePair& pair, std::span<const ColumnPair> columns,
                        const RowSink& sink) {
    return source_.scan(pair.source, sources_of(columns), [&](const SourceRow& row) {
      if (stop_.stop_requested()) return Result<void>(fail(ErrorKind::kConflict, "it was stopped"));
      return sink(row);
    });
  }

  Result<std::vector<Cell>> cells_of(const TablePair& pair, std::span<const ColumnPair> columns,
                                     const SourceRow& row) const {
    std::vector<Cell> cells;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      auto fitted = fit(row.values[i], pair.target.columns[columns[i].target].type, nuls());
      auto* cell = std::get_if<Cell>(&fitted);
      if (cell == nullptr)  // examine() saw every value of this very copy
        return fail(ErrorKind::kInternal, fmt::format("{} {}: a value that fitted does not fit",
                                                      pair.source.name, row.key));
      cells.push_back(std::move(*cell));
    }
    return cells;
  }

  static std::vector<Cell> canonical_cells(const TablePair& pair,
                                           std::span<const ColumnPair> columns,
                                           std::vector<Cell> cells) {
    for (std::size_t i = 0; i < cells.size() && i < columns.size(); ++i)
      if (cells[i])
        cells[i] = canonical(std::move(*cells[i]), pair.target.columns[columns[i].target].type);
    return cells;
  }

  const MoveOrder& order_;
  SqliteFile source_;
  Postgres target_;
  const ports::LineSink& progress_;
  const std::stop_token& stop_;
  TargetSchema schema_;
  Matching plan_;
  LoadOrder load_;
  MoveReport report_;
};
}  // namespace

Result<MoveReport> move_database(const MoveOrder& order, const fs::path& folder,
                                 const ports::LineSink& progress, const std::stop_token& stop) {
  const auto uid = uid_of(order.actor);
  if (!uid)
    return fail(ErrorKind::kRefused, "it is not known whose files you may read",
                "on the daemon's machine, by its socket");
  ECLUSE_ASSIGN(const auto desk, os::Desk::make(folder));
  ECLUSE_ASSIGN(const auto copy, still_copy(order.source, desk.path(), uid));
  ECLUSE_ASSIGN(auto source, SqliteFile::open(copy));
  ECLUSE_ASSIGN(auto target, Postgres::connect(order.url, stop));
  return Mover(order, std::move(source), std::move(target), progress, stop).run();
}

std::function<Result<MoveReport>(const MoveOrder&, const ports::LineSink&, const std::stop_token&)>
mover_in(const fs::path& folder) {
  std::error_code none;  // nothing was left there
  fs::remove_all(folder, none);
  return [folder](const MoveOrder& order, const ports::LineSink& progress,
                  const std::stop_token& stop) {
    return move_database(order, folder, progress, stop);
  };
}

}  // namespace ecluse::transfer
