#pragma once
// SQLite's C interface with ownership and Result. One Database belongs to one thread at a time; its
// Statements must go before it.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace ecluse::storage {

/// A prepared statement. Bind from 1, read columns from 0, as SQLite counts.
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  /// Starts over: forgets the bindings and gives the read lock back.
  Statement& reset();
  /// The bytes must live until the statement is reset or stepped to its end.
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, std::int64_t number);
  /// True: there is a row. False: done.
  Result<bool> step();
  /// For statements without rows: steps to the end and resets.
  Result<void> run();
  /// Valid until the next step or reset.
  std::string_view text(int column) const;
  std::int64_t number(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// Exhausted: the disk is full. Internal: the file is damaged. Each error names the file.
class Database {
 public:
  /// Opens an existing file for reading and writing; never creates one.
  static Result<Database> open(const std::filesystem::path& path);

  Result<void> execute(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  /// The first column of the first row, "" when there is none.
  Result<std::string> value(std::string_view sql);
  /// Whether closing copies the write-ahead log into the file (yes unless told).
  void checkpoint_on_close(bool on);

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  explicit Database(sqlite3* handle) : handle_(handle) {}
  std::unique_ptr<sqlite3, Close> handle_;
};

/// Rolls back when it goes unless commit() succeeded.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace ecluse::storage
