#include <fmt/format.h>

#include "base/text.h"
#include "services/engine.h"
#include "services/health.h"

namespace ecluse::services {

namespace {
constexpr const char* kAdmin = "ecluse_admin";
constexpr std::uint32_t kConnections = 100;
constexpr std::uint32_t kReservedConnections = 3;  // superuser_reserved_connections
constexpr std::chrono::seconds kSqlTimeout{30};

/// Role and database are named after the app, as people expect who look into them.
std::string role_of(const std::string& app) {
  std::string role = app;
  for (char& c : role) c = c == '-' ? '_' : c;
  const bool reserved = role.starts_with("pg_") || role.starts_with("template") ||
                        role == "postgres" || role == "public" || role == "none" || role == kAdmin;
  return reserved ? "app_" + role : role;
}

std::string cluster_of(const ServicePlace& place) {
  return place.data() + "/pg" + place.label.major;
}

/// Reached only by password, and only from its own network (the app's instances and this host).
constexpr const char* kHostBasedAccess =
    "# Written by ecluse at each start.\n"
    "# TYPE DATABASE USER ADDRESS METHOD\n"
    "host all all samenet scram-sha-256\n"
    "host all all samehost scram-sha-256\n";

// initdb works in a folder of its own that is renamed when it is complete: a crash leaves either
// nothing or everything. The collation is by code point, the one that no upgrade of the C library
// can change under an index. The password reaches initdb by a file that lives for a second.
constexpr const char* kInitialise = R"sh(
umask 077
cd "$DATA"
rm -rf fresh password
printf '%s\n' "$ADMIN_PASSWORD" > password
initdb -D fresh -U "$ADMIN" -A scram-sha-256 --pwfile=password -E UTF8 --locale=C.UTF-8 --no-instructions
rm -f password
mv fresh "$CLUSTER"
sync .
)sh";

std::vector<std::string> settings(const ServicePlace& place) {
  const bool own = place.surroundings == Surroundings::kOwnNetwork;
  return {std::string("listen_addresses=") + (own ? "0.0.0.0" : "127.0.0.1"),
          fmt::format("port={}", place.label.port),
          "unix_socket_directories=",
          "hba_file=" + place.conf() + "/pg_hba.conf",
          "password_encryption=scram-sha-256",
          fmt::format("max_connections={}", kConnections),
          "shared_buffers=32MB",
          "work_mem=4MB",
          "maintenance_work_mem=32MB",
          "max_wal_size=256MB",
          "min_wal_size=64MB",
          "jit=off",
          "log_line_prefix=%m [%p] %q%u@%d ",
          "cluster_name=" + model::to_string(place.key) + " " + place.spec.name};
}

/// The role's password is set with logging off: a failed statement is logged as it was written.
std::string provisioning(const std::string& role, const std::string& password) {
  return fmt::format(R"sql(
SET log_min_error_statement = panic;
SET log_statement = none;
SELECT 'CREATE ROLE "{0}" LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{0}') \gexec
ALTER ROLE "{0}" LOGIN PASSWORD '{1}';
SELECT 'CREATE DATABASE "{0}" OWNER "{0}"' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{0}') \gexec
REVOKE ALL ON DATABASE "{0}" FROM PUBLIC;
)sql",
                     role, password);
}

class Postgres : public Engine {
 public:
  std::uint16_t usual_port() const override { return 5432; }
  bool has_admin() const override { return true; }
  std::uint32_t connections_max() const override { return kConnections - kReservedConnections; }

  std::map<std::string, std::string> files(const ServicePlace& /*place*/) const override {
    return {{"pg_hba.conf", kHostBasedAccess}};
  }

  std::optional<ports::Launch> initialise(const ServicePlace& place,
                                          const Passwords& passwords) const override {
    ports::Launch launch = common_launch(place);
    launch.id += fmt::format("-init-{}", place.label.attempt);
    launch.argv = {"/bin/sh", "-ec", kInitialise};
    launch.env["DATA"] = place.data();
    launch.env["CLUSTER"] = cluster_of(place);
    launch.env["ADMIN"] = kAdmin;
    launch.env["ADMIN_PASSWORD"] = passwords.admin;
    launch.restart = false;
    launch.port.reset();
    return launch;
  }

  ports::Launch launch(const ServicePlace& place, const Passwords& /*in the data*/) const override {
    ports::Launch launch = common_launch(place);
    launch.argv = {(place.engine.bin / "postgres").string(), "-D", cluster_of(place)};
    for (const auto& setting : settings(place)) {
      launch.argv.insert(launch.argv.end(), {"-c", setting});
    }
    // SIGINT is the fast shutdown: sessions end, nothing is lost. Only the postmaster may get it.
    launch.stop_signal = ports::StopSignal::kInt;
    launch.stop_scope = ports::StopScope::kMain;
    launch.stop_grace = std::chrono::seconds(60);
    return launch;
  }

  ServiceUrl url(const ServicePlace& place, const Passwords& passwords,
                 const std::string& address) const override {
    const auto role = role_of(place.key.app);
    ServiceUrl url{.kind = model::ServiceKind::kPostgres,
                   .scheme = "postgresql",
                   .user = role,
                   .password = passwords.app,
                   .host = address,
                   .port = place.label.port,
                   .database = role};
    url.text = fmt::format("postgresql://{}:{}@{}:{}/{}", percent_encoded(url.user),
                           percent_encoded(url.password), url.host, url.port, url.database);
    return url;
  }

  ServiceUrl admin_url(const ServicePlace& place, const Passwords& passwords,
                       const std::string& address) const override {
    ServiceUrl admin = url(place, passwords, address);
    admin.user = kAdmin;
    admin.password = passwords.admin;
    admin.text.clear();
    return admin;
  }

  Result<void> provision(const ServicePlace& place, const Passwords& passwords,
                         const std::string& address) const override {
    const ServiceUrl app = url(place, passwords, address);
    const auto psql = place.engine.bin / "psql";
    if (log_in(app, psql, kSqlTimeout)) return {};  // the usual case, and it changes nothing
    ServiceUrl admin = admin_url(place, passwords, address);
    admin.database = "postgres";
    const auto made = run_sql(admin, psql, provisioning(app.user, app.password), kSqlTimeout);
    if (!made) return fail(in_context("making role and database", made.error()));
    return log_in(app, psql, kSqlTimeout);
  }
};
}  // namespace

std::unique_ptr<Engine> make_postgres() {
  return std::make_unique<Postgres>();
}

}  // namespace ecluse::services
