#pragma once
// Is there a server of that kind, and does it take connections? Asked in its own protocol.

#include <chrono>
#include <filesystem>
#include <map>
#include <string>

#include "services/service_url.h"

namespace ecluse::services {

/// A few bytes of the protocol; no login for databases, PING with password for Redis. Unavailable
/// or Timeout: not (yet); the message says what it answered. Cheap enough to ask every second.
Result<void> greet(const ServiceUrl& url, std::chrono::milliseconds timeout);

/// Logs in and asks for an answer: psql's SELECT 1, Redis' PING, MariaDB's greeting. `psql` and
/// `redis-cli` are programs of the distribution; over TLS they do the talking.
Result<void> log_in(const ServiceUrl& url, const std::filesystem::path& psql,
                    std::chrono::milliseconds timeout);

/// The whole environment of psql, pg_dump and pg_restore for the database of `url`.
std::map<std::string, std::string> psql_environment(const ServiceUrl& url,
                                                    std::chrono::milliseconds timeout);

/// Runs `sql` by psql in the database of `url`; secrets go by environment and stdin, never by argv.
Result<std::string> run_sql(const ServiceUrl& url, const std::filesystem::path& psql,
                            const std::string& sql, std::chrono::milliseconds timeout);

}  // namespace ecluse::services
