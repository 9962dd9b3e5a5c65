#include "storage/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>

namespace ecluse::storage {

namespace {
bool is_disk_full(sqlite3* handle, int code) {
  if (code == SQLITE_FULL) return true;
  const int system = sqlite3_system_errno(handle);
  return code == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT);
}

ErrorKind kind_of(sqlite3* handle, int code) {
  if (is_disk_full(handle, code)) return ErrorKind::kExhausted;
  switch (code) {
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return ErrorKind::kExhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorKind::kConflict;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return ErrorKind::kRefused;
    default:
      return ErrorKind::kInternal;
  }
}

std::string file_of(sqlite3* handle) {
  const char* name = sqlite3_db_filename(handle, "main");
  return name == nullptr ? "the state file" : name;
}

tl::unexpected<Error> error_of(sqlite3* handle, int result) {
  const int code = result & 0xff;
  const std::string file = file_of(handle);
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
    return fail(ErrorKind::kInternal,
                fmt::format("{} is damaged: {}", file, sqlite3_errmsg(handle)),
                "nothing was written to it; put a copy of it aside and restore a backup");
  }
  if (is_disk_full(handle, code)) {
    return fail(ErrorKind::kExhausted,
                fmt::format("{}: the disk is full, nothing was written", file),
                "free some space: ecluse continues by itself");
  }
  return fail(kind_of(handle, code), fmt::format("{}: {}", file, sqlite3_errmsg(handle)));
}

Result<void> check(sqlite3* handle, int result) {
  if (result == SQLITE_OK) return {};
  return error_of(handle, result);
}
}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Statement& Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  // A view without bytes has no address, and SQLite takes a null address for NULL.
  const char* bytes = text.empty() ? "" : text.data();
  const int result =
      sqlite3_bind_text64(statement_.get(), index, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (result == SQLITE_RANGE || result == SQLITE_MISUSE) std::abort();
  return *this;
}

Statement& Statement::bind(int index, std::int64_t number) {
  if (sqlite3_bind_int64(statement_.get(), index, number) != SQLITE_OK) std::abort();
  return *this;
}

Result<bool> Statement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  auto failed = error_of(sqlite3_db_handle(statement_.get()), result);
  sqlite3_reset(statement_.get());
  return failed;
}

Result<void> Statement::run() {
  auto row = step();
  reset();
  if (!row) return fail(std::move(row).error());
  return {};
}

std::string_view Statement::text(int column) const {
  const auto* bytes = sqlite3_column_text(statement_.get(), column);
  if (bytes == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

void Database::Close::operator()(sqlite3* handle) const {
  sqlite3_close_v2(handle);
}

Result<Database> Database::open(const std::filesystem::path& path) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int result = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database(handle);
  if (handle == nullptr) return fail(ErrorKind::kExhausted, "no memory to open the state file");
  if (result != SQLITE_OK) {
    return fail(kind_of(handle, result & 0xff),
                fmt::format("open {}: {}", path.string(), sqlite3_errmsg(handle)));
  }
  sqlite3_busy_timeout(handle, 5000);
  return database;
}

Result<void> Database::execute(const char* sql) {
  return check(handle_.get(), sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr));
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  ECLUSE_TRY(check(handle_.get(), result));
  return Statement(statement);
}

Result<std::string> Database::value(std::string_view sql) {
  ECLUSE_ASSIGN(Statement statement, prepare(sql));
  ECLUSE_ASSIGN(const bool row, statement.step());
  return row ? std::string(statement.text(0)) : std::string();
}

void Database::checkpoint_on_close(bool on) {
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on ? 0 : 1, nullptr);
}

Result<Transaction> Transaction::begin(Database& database) {
  ECLUSE_TRY(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  // A full disk may have rolled it back already; then ROLLBACK fails and nothing is lost by that.
  if (database_ != nullptr) (void)database_->execute("ROLLBACK");
}

Result<void> Transaction::commit() {
  ECLUSE_TRY(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace ecluse::storage
