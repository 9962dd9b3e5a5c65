#include <fmt/format.h>

#include "services/engine.h"
#include "services/health.h"

namespace ecluse::services {

namespace {
constexpr std::uint64_t kHeadroomDivisor = 10;
constexpr std::uint64_t kDataShare = 6;  // tenths of the limit: a rewrite of its log needs the rest

// Durable by its append-only file: at most a second of writes is lost with the machine, none with
// the process. Full means an error, not the silent loss of somebody's queue or session.
std::string configuration(const ServicePlace& place) {
  const bool own = place.surroundings == Surroundings::kOwnNetwork;
  return fmt::format(
      "# Written by ecluse at each start. The password comes on stdin.\n"
      "bind {}\nport {}\nprotected-mode no\ndaemonize no\nlogfile \"\"\ndir {}\n"
      "appendonly yes\nappendfsync everysec\nsave \"\"\n"
      "maxmemory {}\nmaxmemory-policy noeviction\n",
      own ? "0.0.0.0" : "127.0.0.1", place.label.port, place.data(),
      place.spec.limits.memory_bytes_max / kHeadroomDivisor * kDataShare);
}

// The here-document is our way to give a password that is neither in argv nor on a disk.
constexpr const char* kStart =
    "exec redis-server \"$CONF/redis.conf\" - <<END\nrequirepass $SERVICE_PASSWORD\nEND\n";

class Redis : public Engine {
 public:
  std::uint16_t usual_port() const override { return 6379; }
  bool has_admin() const override { return false; }
  std::uint32_t connections_max() const override { return 0; }

  std::map<std::string, std::string> files(const ServicePlace& place) const override {
    return {{"redis.conf", configuration(place)}};
  }

  std::optional<ports::Launch> initialise(const ServicePlace& /*place*/,
                                          const Passwords& /*passwords*/) const override {
    return std::nullopt;
  }

  ports::Launch launch(const ServicePlace& place, const Passwords& passwords) const override {
    ports::Launch launch = common_launch(place);
    launch.argv = {"/bin/sh", "-c", kStart};
    launch.env["CONF"] = place.conf();
    launch.env["SERVICE_PASSWORD"] = passwords.app;
    launch.stop_scope = ports::StopScope::kMain;
    return launch;
  }

  ServiceUrl url(const ServicePlace& place, const Passwords& passwords,
                 const std::string& address) const override {
    ServiceUrl url{.kind = model::ServiceKind::kRedis,
                   .scheme = "redis",
                   .password = passwords.app,
                   .host = address,
                   .port = place.label.port,
                   .database = "0"};
    url.text =
        fmt::format("redis://:{}@{}:{}/0", percent_encoded(url.password), url.host, url.port);
    return url;
  }

  Result<void> provision(const ServicePlace& place, const Passwords& passwords,
                         const std::string& address) const override {
    return greet(url(place, passwords, address), std::chrono::seconds(5));
  }
};
}  // namespace

std::unique_ptr<Engine> make_redis() {
  return std::make_unique<Redis>();
}

}  // namespace ecluse::services
