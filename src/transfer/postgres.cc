#include "transfer/postgres.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <array>
#include <optional>

#include "base/text.h"

namespace ecluse::transfer {

namespace {
constexpr const char* kSettings =
    "SET client_encoding = 'UTF8'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; "
    "SET TimeZone = 'UTC'; SET bytea_output = 'hex'; SET extra_float_digits = 1; "
    "SET lock_timeout = '20s'; SET statement_timeout = 0; SET synchronous_commit = on; "
    "SET idle_in_transaction_session_timeout = 0; SET standard_conforming_strings = on";
constexpr std::size_t kBatchBytes = 1 << 16;

/// COPY's text format: \N is NULL, a backslash before what would end a cell or a row.
void append_cell(std::string& out, const Cell& cell) {
  if (!cell) {
    out += "\\N";
    return;
  }
  for (const char c : *cell) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += c;
    }
  }
}

char unescaped(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    default:
      return c;
  }
}

Cell cell_in(std::string_view raw) {
  if (raw == "\\N") return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const bool escaped = raw[i] == '\\' && i + 1 < raw.size();
    out += escaped ? unescaped(raw[++i]) : raw[i];
  }
  return out;
}

/// One line of COPY TO: cells between tabs, none of which stands inside a cell.
std::vector<Cell> row_in(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  std::vector<Cell> row;
  for (;;) {
    const auto tab = line.find('\t');
    row.push_back(cell_in(line.substr(0, tab)));
    if (tab == std::string_view::npos) return row;
    line.remove_prefix(tab + 1);
  }
}

ErrorKind kind_of(std::string_view state) {
  if (state == "55P03" || state == "40P01") return ErrorKind::kConflict;  // a lock not got
  if (state == "42501") return ErrorKind::kRefused;
  if (state.starts_with("08") || state.starts_with("57P")) return ErrorKind::kUnavailable;
  if (state.starts_with("53")) return ErrorKind::kExhausted;
  if (state.starts_with("22") || state.starts_with("23")) return ErrorKind::kInvalid;
  return ErrorKind::kInternal;
}

std::string field(const pg_result* result, int which) {
  const char* text = PQresultErrorField(result, which);
  return text == nullptr ? "" : text;
}
}  // namespace

void Postgres::Free::operator()(pg_conn* connection) const {
  PQfinish(connection);
}
void Postgres::Free::operator()(pg_result* result) const {
  PQclear(result);
}

/// While it lives, a requested stop ends the statement that the server is at.
class Postgres::CancelOnStop {
 public:
  CancelOnStop(pg_conn* connection, const std::stop_token& stop)
      : cancel_(PQgetCancel(connection)) {
    callback_.emplace(stop, [this] { cancel(); });
  }
  ~CancelOnStop() {
    callback_.reset();  // waits for one that runs
    PQfreeCancel(cancel_);
  }
  CancelOnStop(const CancelOnStop&) = delete;
  CancelOnStop& operator=(const CancelOnStop&) = delete;

 private:
  void cancel() {
    std::array<char, 256> why{};
    // A server that cannot be reached for this ends the statement with the connection.
    (void)PQcancel(cancel_, why.data(), static_cast<int>(why.size()));
  }

  PGcancel* cancel_;
  std::optional<std::stop_callback<std::function<void()>>> callback_;
};

Postgres::Postgres(pg_conn* connection, std::stop_token stop)
    : connection_(connection), stop_(std::move(stop)) {}

Error Postgres::lost() const {
  return {ErrorKind::kUnavailable,
          fmt::format("the database: {}", trim(PQerrorMessage(connection_.get()))), ""};
}

Result<Postgres> Postgres::connect(const std::string& url, std::stop_token stop) {
  const std::array<const char*, 5> names = {"dbname", "connect_timeout", "application_name",
                                            "keepalives_idle", nullptr};
  const std::array<const char*, 5> values = {url.c_str(), "10", "ecluse db move", "30", nullptr};
  Postgres database(PQconnectdbParams(names.data(), values.data(), 1), std::move(stop));
  if (PQstatus(database.connection_.get()) != CONNECTION_OK) return fail(database.lost());
  ECLUSE_TRY(database.execute(kSettings));
  return database;
}

Result<Postgres::Answer> Postgres::checked(pg_result* raw, const std::string& doing) {
  Answer result(raw);
  const auto status = PQresultStatus(raw);
  if (status != PGRES_FATAL_ERROR && status != PGRES_BAD_RESPONSE) return result;
  if (stop_.stop_requested()) return fail(ErrorKind::kConflict, "it was stopped");
  if (PQstatus(connection_.get()) != CONNECTION_OK) return fail(lost());
  auto message = field(raw, PG_DIAG_MESSAGE_PRIMARY);
  for (const int which : {PG_DIAG_MESSAGE_DETAIL, PG_DIAG_CONTEXT})
    if (const auto more = field(raw, which); !more.empty()) message += "; " + more;
  const auto kind = kind_of(field(raw, PG_DIAG_SQLSTATE));
  return fail(kind, fmt::format("{}: PostgreSQL says: {}", doing, printable(message, 600)),
              kind == ErrorKind::kConflict
                  ? "the app holds locks: `ecluse maintenance on`, then again"
                  : "");
}

Result<Rows> Postgres::query(const std::string& sql, const std::vector<std::string>& parameters) {
  std::vector<const char*> values;
  for (const auto& parameter : parameters) values.push_back(parameter.c_str());
  const CancelOnStop cancel(connection_.get(), stop_);
  ECLUSE_ASSIGN(const auto result, checked(PQexecParams(connection_.get(), sql.c_str(),
                                                        static_cast<int>(values.size()), nullptr,
                                                        values.data(), nullptr, nullptr, 0),
                                           "asking"));
  Rows rows(static_cast<std::size_t>(PQntuples(result.get())));
  for (int i = 0; i < PQntuples(result.get()); ++i)
    for (int j = 0; j < PQnfields(result.get()); ++j)
      rows[static_cast<std::size_t>(i)].push_back(
          PQgetisnull(result.get(), i, j) != 0 ? Cell{} : Cell(PQgetvalue(result.get(), i, j)));
  return rows;
}

Result<void> Postgres::execute(const std::string& sql) {
  const CancelOnStop cancel(connection_.get(), stop_);
  ECLUSE_TRY(checked(PQexec(connection_.get(), sql.c_str()), sql.substr(0, 60)));
  return {};
}

Result<void> Postgres::copy_in(const std::string& into,
                               const std::function<Result<void>(const Put&)>& fill) {
  auto* const connection = connection_.get();
  const auto doing = "filling " + into;
  const CancelOnStop cancel(connection, stop_);
  ECLUSE_TRY(checked(PQexec(connection, fmt::format("COPY {} FROM STDIN", into).c_str()), doing));
  std::string batch;
  const auto send = [&]() -> Result<void> {
    if (PQputCopyData(connection, batch.data(), static_cast<int>(batch.size())) != 1)
      return fail(lost());
    batch.clear();
    return {};
  };
  auto filled = fill([&](std::span<const Cell> row) -> Result<void> {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) batch += '\t';
      append_cell(batch, row[i]);
    }
    batch += '\n';
    return batch.size() < kBatchBytes ? Result<void>() : send();
  });
  if (filled && !batch.empty()) filled = send();
  // The server may have said why before it took everything: its word is the better reason.
  PQputCopyEnd(connection, filled ? nullptr : "given up");
  std::optional<Error> said;
  while (auto* result = PQgetResult(connection)) {
    auto one = checked(result, doing);
    if (!one && !said) said = one.error();
  }
  if (!filled && filled.error().kind != ErrorKind::kUnavailable) return filled;
  if (said) return fail(std::move(*said));
  return filled;
}

Result<void> Postgres::copy_out(const std::string& query,
                                const std::function<Result<void>(std::vector<Cell>)>& sink) {
  auto* const connection = connection_.get();
  const CancelOnStop cancel(connection, stop_);
  ECLUSE_TRY(checked(PQexec(connection, fmt::format("COPY ({}) TO STDOUT", query).c_str()),
                     "reading back"));
  Result<void> taken;
  for (;;) {
    char* raw = nullptr;
    const int size = PQgetCopyData(connection, &raw, 0);
    if (size < 0) break;
    const std::unique_ptr<char, decltype(&PQfreemem)> line(raw, PQfreemem);
    if (taken) taken = sink(row_in({raw, static_cast<std::size_t>(size)}));
  }
  while (auto* result = PQgetResult(connection)) ECLUSE_TRY(checked(result, "reading back"));
  return taken;
}

}  // namespace ecluse::transfer
