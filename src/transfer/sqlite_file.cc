#include "transfer/sqlite_file.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

#include "base/text.h"

namespace ecluse::transfer {

namespace {
constexpr std::size_t kKeyBytesMax = 120;

std::string text_at(sqlite3_stmt* row, int column) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row, column));
  return {text == nullptr ? "" : text, static_cast<std::size_t>(sqlite3_column_bytes(row, column))};
}

SourceValue value_at(sqlite3_stmt* row, int column) {
  switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
      return std::int64_t{sqlite3_column_int64(row, column)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(row, column);
    case SQLITE_TEXT:
      return text_at(row, column);
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(row, column));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(row, column));
      return Blob{std::string(bytes == nullptr ? "" : bytes, size)};
    }
    default:
      return std::monostate{};
  }
}

/// By what a row is named: its primary key, else its rowid, else nothing.
std::vector<std::string> key_of(const SourceTable& table) {
  std::vector<std::string> names;
  bool shadowed = false;
  for (const auto& column : table.columns) {
    if (column.key) names.push_back(column.name);
    shadowed = shadowed || column.name == "rowid";
  }
  if (names.empty() && table.has_rowid && !shadowed) names.emplace_back("rowid");
  return names;
}

std::string key_text(sqlite3_stmt* row, const std::vector<std::string>& names) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < names.size(); ++i)
    parts.push_back(
        fmt::format("{}={}", names[i], printable(text_at(row, static_cast<int>(i)), kKeyBytesMax)));
  return join(parts, ", ");
}
}  // namespace

void SqliteFile::Close::operator()(sqlite3* handle) const {
  sqlite3_close_v2(handle);
}
void SqliteFile::Close::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Error SqliteFile::error(const std::string& doing) const {
  const int code = sqlite3_errcode(handle_.get());
  const bool wrong = code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
  return {wrong ? ErrorKind::kInvalid : ErrorKind::kInternal,
          fmt::format("{} the SQLite file: {}", doing, sqlite3_errmsg(handle_.get())),
          wrong ? "is it the right file, and whole?" : ""};
}

Result<SqliteFile> SqliteFile::open(const std::filesystem::path& copy) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(copy.c_str(), &raw, SQLITE_OPEN_READWRITE, nullptr);
  SqliteFile file(raw);
  if (code != SQLITE_OK) return fail(file.error("opening"));
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  ECLUSE_TRY(file.execute("PRAGMA cell_size_check = ON"));
  // They may call functions that only the app knows; PostgreSQL's own are what counts.
  ECLUSE_TRY(file.execute("PRAGMA ignore_check_constraints = ON"));
  ECLUSE_TRY(file.execute("BEGIN"));  // takes a log or a journal in, then reads one state
  ECLUSE_ASSIGN(const auto damage, file.texts("PRAGMA quick_check(1)"));
  if (damage != std::vector<std::string>{"ok"})
    return fail(ErrorKind::kInvalid, "the SQLite file is damaged: " + join(damage, "; "),
                "`sqlite3 FILE .recover` saves what can be saved");
  return file;
}

Result<void> SqliteFile::execute(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return fail(error("reading"));
}

Result<SqliteFile::Statement> SqliteFile::prepare(const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  const int code =
      sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  if (code == SQLITE_OK) return Statement(raw);
  return fail(error("reading"));
}

Result<bool> SqliteFile::step(const Statement& statement) {
  const int code = sqlite3_step(statement.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return fail(error("reading"));
}

Result<std::vector<std::string>> SqliteFile::texts(const std::string& query) {
  ECLUSE_ASSIGN(const auto statement, prepare(query));
  std::vector<std::string> out;
  for (;;) {
    ECLUSE_ASSIGN(const bool more, step(statement));
    if (!more) return out;
    out.push_back(text_at(statement.get(), 0));
  }
}

Result<std::vector<SourceColumn>> SqliteFile::columns_of(const std::string& table) {
  constexpr std::int64_t kHiddenOfVirtual = 1;
  ECLUSE_ASSIGN(const auto statement,
                prepare(fmt::format("PRAGMA table_xinfo({})", identifier(table))));
  std::vector<SourceColumn> out;
  for (;;) {
    ECLUSE_ASSIGN(const bool more, step(statement));
    if (!more) return out;
    auto* row = statement.get();
    if (sqlite3_column_int64(row, 6) == kHiddenOfVirtual) continue;
    out.push_back({text_at(row, 1), sqlite3_column_int64(row, 5) > 0});
  }
}

Result<std::uint64_t> SqliteFile::count_values(const std::string& table,
                                               const std::string& column) {
  ECLUSE_ASSIGN(const auto count,
                texts(fmt::format("SELECT count({}) FROM {}",
                                  column == "*" ? column : identifier(column), identifier(table))));
  return std::stoull(count.at(0));
}

Result<std::vector<SourceTable>> SqliteFile::tables() {
  std::vector<SourceTable> out;
  ECLUSE_ASSIGN(const auto statement, prepare("SELECT name, wr FROM pragma_table_list "
                                              "WHERE schema = 'main' AND type = 'table' "
                                              "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
                                              "ORDER BY name"));
  for (;;) {
    ECLUSE_ASSIGN(const bool more, step(statement));
    if (!more) break;
    SourceTable table{.name = text_at(statement.get(), 0), .columns = {}};
    table.has_rowid = sqlite3_column_int64(statement.get(), 1) == 0;
    ECLUSE_ASSIGN(table.columns, columns_of(table.name));
    ECLUSE_ASSIGN(table.rows, count_values(table.name, "*"));
    out.push_back(std::move(table));
  }
  ECLUSE_ASSIGN(const auto counted,
                texts("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'"));
  if (counted.empty()) return out;
  for (auto& table : out) {
    ECLUSE_ASSIGN(const auto sequences, prepare("SELECT seq FROM sqlite_sequence WHERE name = ?"));
    sqlite3_bind_text(sequences.get(), 1, table.name.data(), static_cast<int>(table.name.size()),
                      SQLITE_STATIC);
    ECLUSE_ASSIGN(const bool has, step(sequences));
    if (has) table.high_water = sqlite3_column_int64(sequences.get(), 0);
  }
  return out;
}

Result<std::string> SqliteFile::reference_of(const std::string& table, std::int64_t key) {
  ECLUSE_ASSIGN(const auto statement,
                prepare(fmt::format("PRAGMA foreign_key_list({})", identifier(table))));
  std::vector<std::string> names;
  for (;;) {
    ECLUSE_ASSIGN(const bool more, step(statement));
    if (!more) return join(names, ", ");
    if (sqlite3_column_int64(statement.get(), 0) == key)
      names.push_back(text_at(statement.get(), 3));
  }
}

Result<std::vector<ports::Misfit>> SqliteFile::orphans(std::size_t max) {
  ECLUSE_ASSIGN(const auto statement, prepare("PRAGMA foreign_key_check"));
  std::vector<ports::Misfit> out;
  while (out.size() < max) {
    const auto more = step(statement);
    // A key that refers to columns that are not unique cannot be checked; PostgreSQL's own can.
    if (!more && more.error().kind == ErrorKind::kInternal) break;
    if (!more) return fail(more.error());
    if (!*more) break;
    auto* row = statement.get();
    ports::Misfit misfit{.table = text_at(row, 0)};
    if (sqlite3_column_type(row, 1) != SQLITE_NULL) misfit.key = "rowid=" + text_at(row, 1);
    ECLUSE_ASSIGN(misfit.column, reference_of(misfit.table, sqlite3_column_int64(row, 3)));
    misfit.what = fmt::format("refers to a row that {} does not have", text_at(row, 2));
    misfit.fix = "correct or delete the row in a copy of the file, and move that";
    out.push_back(std::move(misfit));
  }
  return out;
}

Result<void> SqliteFile::scan(const SourceTable& table, std::span<const std::size_t> columns,
                              const RowSink& sink) {
  const auto key = key_of(table);
  std::vector<std::string> names;
  for (const auto& name : key) names.push_back(identifier(name));
  for (const auto index : columns) names.push_back(identifier(table.columns[index].name));
  ECLUSE_ASSIGN(const auto statement,
                prepare(fmt::format("SELECT {} FROM {}", names.empty() ? "1" : join(names, ", "),
                                    identifier(table.name))));
  SourceRow row;
  for (;;) {
    ECLUSE_ASSIGN(const bool more, step(statement));
    if (!more) return {};
    row.values.clear();
    for (std::size_t i = 0; i < columns.size(); ++i)
      row.values.push_back(value_at(statement.get(), static_cast<int>(key.size() + i)));
    row.key = key_text(statement.get(), key);
    ECLUSE_TRY(sink(row));
  }
}

}  // namespace ecluse::transfer
