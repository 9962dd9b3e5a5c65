#pragma once
// Databases and caches from the distribution's binaries, run like any other instance, each app and
// environment its own (docs/services.md); and external ones by URL.

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "ports/runtime.h"
#include "ports/secrets.h"
#include "ports/services.h"
#include "services/engine_program.h"
#include "services/service_place.h"

namespace ecluse::services {

struct LocalServicesOptions {
  std::filesystem::path folder;  ///< DATA/services
  /// kHost when the runtime cannot isolate: services listen on a free port of loopback.
  Surroundings surroundings = Surroundings::kOwnNetwork;
  EnginePlaces engines;
  /// After a crash PostgreSQL first reads its log; longer than this and ensure() says Timeout.
  std::chrono::milliseconds start_timeout{120'000};
  /// Told every password taken from an external URL, to redact it. May be empty.
  std::function<void(const std::string& name, const std::string& value)> on_secret;
};

/// Thread-safe. Generated passwords are kept in `secrets` under the environment "ENV.services",
/// which no ecluse.yml can name. `runtime` and `secrets` must outlive it.
///
/// ensure(): Refused when the engine is not installed, another major version made the data, or the
/// engine is not available yet. Unavailable or Timeout when it does not get healthy: the message
/// has the last lines of its log.
class LocalServices : public ports::Services {
 public:
  LocalServices(ports::Runtime& runtime, ports::Secrets& secrets, LocalServicesOptions options);
  ~LocalServices() override;

  Result<void> ensure(const model::EnvironmentKey& key, const model::ServiceSpec& spec) override;
  Result<void> stop(const model::EnvironmentKey& key, const std::string& service) override;
  Result<std::map<std::string, std::string>> variables(
      const model::EnvironmentKey& key, const std::vector<model::ServiceSpec>& specs) override;
  Result<std::vector<ports::ServiceStatus>> status(
      const model::EnvironmentKey& key, const std::vector<model::ServiceSpec>& specs) override;
  Result<ports::DatabaseAccess> access(const model::EnvironmentKey& key,
                                       const model::ServiceSpec& spec) override;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace ecluse::services
