#pragma once
// A connection to a PostgreSQL database, by libpq. One owner, one thread.

#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "transfer/cell.h"

struct pg_conn;
struct pg_result;

namespace ecluse::transfer {

using Rows = std::vector<std::vector<Cell>>;

/// Errors carry the server's message, detail and context. Unavailable: no connection, or it was
/// lost; Conflict: a lock was not got in time; Refused: no permission.
class Postgres {
 public:
  /// Waits at most 10 s for the server. Sets the formats that canonical() reads, and a lock timeout
  /// of 20 s. A requested `stop` cancels what the server is at.
  static Result<Postgres> connect(const std::string& url, std::stop_token stop);

  Result<Rows> query(const std::string& sql, const std::vector<std::string>& parameters = {});
  Result<void> execute(const std::string& sql);

  /// COPY `into` FROM STDIN; `fill` calls its argument once a row. When it fails the copy is given
  /// up and the server forgets its rows.
  using Put = std::function<Result<void>(std::span<const Cell>)>;
  Result<void> copy_in(const std::string& into,
                       const std::function<Result<void>(const Put&)>& fill);
  /// COPY (`query`) TO STDOUT, a row at a time.
  Result<void> copy_out(const std::string& query,
                        const std::function<Result<void>(std::vector<Cell>)>& sink);

 private:
  struct Free {
    void operator()(pg_conn* connection) const;
    void operator()(pg_result* result) const;
  };
  using Answer = std::unique_ptr<pg_result, Free>;
  class CancelOnStop;
  Postgres(pg_conn* connection, std::stop_token stop);
  Result<Answer> checked(pg_result* result, const std::string& doing);
  Error lost() const;

  std::unique_ptr<pg_conn, Free> connection_;
  std::stop_token stop_;
};

}  // namespace ecluse::transfer
