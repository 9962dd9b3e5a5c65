#pragma once
// What a SQLite file holds. One owner, one thread.

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "ports/database_move.h"
#include "transfer/column.h"

struct sqlite3;
struct sqlite3_stmt;

namespace ecluse::transfer {

/// One row: its values in the order asked for, and how to name it: "id=12".
struct SourceRow {
  std::vector<SourceValue> values;
  std::string key;
};
using RowSink = std::function<Result<void>(const SourceRow&)>;

class SqliteFile {
 public:
  /// Opens a private copy (still_copy()), so that its log or journal can be taken in. Invalid: it
  /// is no SQLite file, or damaged. Checks that its schema names are not evaluated.
  static Result<SqliteFile> open(const std::filesystem::path& copy);

  /// Ordinary tables, without SQLite's own; virtual ones and what lies behind them are left out.
  Result<std::vector<SourceTable>> tables();
  /// Rows whose reference leads nowhere, as its own foreign keys tell; at most `max`.
  Result<std::vector<ports::Misfit>> orphans(std::size_t max);
  /// How many rows have a value in that column.
  Result<std::uint64_t> count_values(const std::string& table, const std::string& column);
  /// Every row of `table`, columns by their index in it. Stops at the first error of `sink`.
  Result<void> scan(const SourceTable& table, std::span<const std::size_t> columns,
                    const RowSink& sink);
  /// The first column of every row, as text.
  Result<std::vector<std::string>> texts(const std::string& query);

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Close>;
  explicit SqliteFile(sqlite3* handle) : handle_(handle) {}
  Result<void> execute(const char* sql);
  Result<Statement> prepare(const std::string& sql);
  /// True: there is a row.
  Result<bool> step(const Statement& statement);
  Result<std::vector<SourceColumn>> columns_of(const std::string& table);
  Result<std::string> reference_of(const std::string& table, std::int64_t key);
  Error error(const std::string& doing) const;

  std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace ecluse::transfer
