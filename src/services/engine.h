#pragma once
// What differs between PostgreSQL and Redis: how data is made, how the server is started, how the
// app gets in.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "ports/runtime.h"
#include "services/service_place.h"
#include "services/service_url.h"

namespace ecluse::services {

struct Passwords {
  std::string app;
  std::string admin;  ///< PostgreSQL's superuser; empty for Redis
};

/// Stateless; thread-safe.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::uint16_t usual_port() const = 0;
  virtual bool has_admin() const = 0;
  /// What an app may open at most; 0: no bound worth naming.
  virtual std::uint32_t connections_max() const = 0;
  /// The files of the conf folder, by name: no secrets in them.
  virtual std::map<std::string, std::string> files(const ServicePlace& place) const = 0;
  /// The job that makes the data folder, in one step that a crash leaves undone. None: nothing to
  /// make.
  virtual std::optional<ports::Launch> initialise(const ServicePlace& place,
                                                  const Passwords& passwords) const = 0;
  virtual ports::Launch launch(const ServicePlace& place, const Passwords& passwords) const = 0;
  /// How the app reaches it at `address`.
  virtual ServiceUrl url(const ServicePlace& place, const Passwords& passwords,
                         const std::string& address) const = 0;
  /// How we get into the app's database; where there is no administrator, as url().
  virtual ServiceUrl admin_url(const ServicePlace& place, const Passwords& passwords,
                               const std::string& address) const {
    return url(place, passwords, address);
  }
  /// Makes the app's role and database in the running server. Idempotent.
  virtual Result<void> provision(const ServicePlace& place, const Passwords& passwords,
                                 const std::string& address) const = 0;
};

std::unique_ptr<Engine> make_postgres();
std::unique_ptr<Engine> make_redis();

/// What both have in common: id, user, mounts, restart, protection from the OOM killer.
ports::Launch common_launch(const ServicePlace& place);

}  // namespace ecluse::services
