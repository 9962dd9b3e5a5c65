#pragma once
// Databases and caches of an environment.

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/key.h"
#include "model/spec.h"

namespace ecluse::ports {

struct ServiceStatus {
  std::string name;
  model::ServiceKind kind = model::ServiceKind::kPostgres;
  std::string version;  ///< major, pinned
  bool external = false;
  bool healthy = false;
  std::string detail;  ///< why not, or "accepting connections"
  std::uint32_t connections_max = 0;
};

/// How the tools of a database reach it, with the right to make and drop databases where the server
/// is ours. Holds a password: never logged, never in argv.
struct DatabaseAccess {
  std::string database;                            ///< the app's
  std::map<std::string, std::string> environment;  ///< the whole one of psql, pg_dump...
  std::string programs;  ///< their folder, of the server's version where it is ours
};

/// Thread-safe, blocking.
class Services {
 public:
  virtual ~Services() = default;
  /// Makes what is missing (data folder, credentials, running server), waits until it is healthy,
  /// and creates the app's database and role. Idempotent; data that exists is never touched.
  virtual Result<void> ensure(const model::EnvironmentKey& key, const model::ServiceSpec& spec) = 0;
  /// Stops without deleting data.
  virtual Result<void> stop(const model::EnvironmentKey& key, const std::string& service) = 0;
  /// What the app gets in its environment: DATABASE_URL and its usual spellings, REDIS_URL...
  /// With several of a kind the name is put in front (REPORTS_DATABASE_URL).
  virtual Result<std::map<std::string, std::string>> variables(
      const model::EnvironmentKey& key, const std::vector<model::ServiceSpec>& specs) = 0;
  virtual Result<std::vector<ServiceStatus>> status(
      const model::EnvironmentKey& key, const std::vector<model::ServiceSpec>& specs) = 0;
  /// PostgreSQL only, Refused else. Unavailable: it does not take connections.
  virtual Result<DatabaseAccess> access(const model::EnvironmentKey& key,
                                        const model::ServiceSpec& spec) = 0;
};

}  // namespace ecluse::ports
