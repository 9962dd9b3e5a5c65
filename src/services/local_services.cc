#include "services/local_services.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "base/locked.h"
#include "base/log.h"
#include "base/text.h"
#include "os/file.h"
#include "services/engine.h"
#include "services/health.h"
#include "services/oom_protection.h"
#include "services/service_password.h"
#include "services/service_url.h"
#include "services/service_variables.h"

namespace ecluse::services {

namespace {
namespace fs = std::filesystem;
using model::EnvironmentKey;
using model::ServiceKind;
using model::ServiceSpec;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kGreetTimeout{2000};
constexpr std::chrono::milliseconds kExternalTimeout{8000};
constexpr std::chrono::milliseconds kRetry{50};
constexpr std::chrono::minutes kInitialiseTimeout{5};
constexpr std::size_t kLogLines = 15;

std::string words_for(const EnvironmentKey& key, const ServiceSpec& spec) {
  return fmt::format("service {} of {}", spec.name, model::to_string(key));
}

tl::unexpected<Error> not_available(ServiceKind kind) {
  return fail(ErrorKind::kRefused, fmt::format("{} is not available yet", name_of(kind)),
              "use postgres or redis; a MariaDB that runs elsewhere works by `url:`");
}

std::unique_ptr<Engine> engine_of(ServiceKind kind) {
  switch (kind) {
    case ServiceKind::kPostgres:
      return make_postgres();
    case ServiceKind::kRedis:
      return make_redis();
    case ServiceKind::kMariadb:
    case ServiceKind::kMongodb:
      return nullptr;
  }
  return nullptr;
}

/// A port of loopback that nobody has at this moment; remembered in the label from then on.
Result<std::uint16_t> free_port() {
  const os::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!fd || ::bind(fd.get(), generic, size) != 0 || ::getsockname(fd.get(), generic, &size) != 0) {
    return fail(from_errno(errno, "find a free port"));
  }
  return ntohs(address.sin_port);
}

Result<void> check_pinned(const ServiceLabel& label, const ServiceSpec& spec) {
  if (label.kind != spec.kind) {
    return fail(ErrorKind::kRefused,
                fmt::format("its data was made by {}, ecluse.yml asks for {}", name_of(label.kind),
                            name_of(spec.kind)),
                "give the new service another name");
  }
  if (spec.version.empty() || spec.version == label.major) return {};
  return fail(ErrorKind::kRefused,
              fmt::format("its data was made by {} {}, ecluse.yml asks for version {}",
                          name_of(label.kind), label.major, spec.version),
              fmt::format("write `version: \"{}\"`, or make a service of another name and move the "
                          "data by dump and restore",
                          label.major));
}

/// What people did not ask us to be silent about: the end of the service's own log.
std::string last_lines(ports::Runtime& runtime, const std::string& id) {
  const auto logs = runtime.logs(id, {.lines_max = kLogLines});
  if (!logs) return fmt::format("its log cannot be read: {}", logs.error().message);
  const auto text = trim(logs->text);
  return text.empty() ? "its log is empty" : "it says: " + std::string(text);
}

void wait_a_little() {
  ::poll(nullptr, 0, static_cast<int>(kRetry.count()));
}
}  // namespace

struct LocalServices::Parts {
  ports::Runtime& runtime;
  ports::Secrets& secrets;
  LocalServicesOptions options;
  int oom_score_adj = best_oom_score_adj();
  Locked<std::map<std::string, std::shared_ptr<std::mutex>>> turns;

  Parts(ports::Runtime& r, ports::Secrets& s, LocalServicesOptions o)
      : runtime(r), secrets(s), options(std::move(o)) {}

  /// One at a time works on a service.
  std::shared_ptr<std::mutex> turn_of(const EnvironmentKey& key, const std::string& service) {
    return turns.with([&](auto& all) {
      auto& turn = all[model::to_string(key) + "/" + service];
      if (!turn) turn = std::make_shared<std::mutex>();
      return turn;
    });
  }

  ServicePlace bare_place(const EnvironmentKey& key, const ServiceSpec& spec) const {
    return {.key = key,
            .spec = spec,
            .folder = options.folder / key.app / key.environment / spec.name,
            .surroundings = options.surroundings,
            .oom_score_adj = oom_score_adj};
  }

  // --- external ones

  Result<ServiceUrl> external_url(const EnvironmentKey& key, const ServiceSpec& spec) {
    std::string text;
    if (const auto* reference = std::get_if<model::SecretRef>(&*spec.url)) {
      ECLUSE_ASSIGN(text, secrets.get(key, reference->name, std::nullopt));
    } else {
      text = std::get<std::string>(*spec.url);
    }
    ECLUSE_ASSIGN(ServiceUrl url, parse_service_url(text));
    if (options.on_secret && !url.password.empty()) {
      options.on_secret("SERVICE_" + spec.name, url.password);
    }
    if (url.kind == spec.kind) return url;
    return fail(ErrorKind::kInvalid, fmt::format("its URL is one of {}, but it is declared as {}",
                                                 name_of(url.kind), name_of(spec.kind)));
  }

  fs::path psql() const {
    const auto installed = installed_engines(ServiceKind::kPostgres, options.engines);
    return installed.empty() ? fs::path("psql") : installed.front().bin / "psql";
  }

  Result<void> ensure_external(const EnvironmentKey& key, const ServiceSpec& spec) {
    ECLUSE_ASSIGN(const ServiceUrl url, external_url(key, spec));
    return log_in(url, psql(), kExternalTimeout);
  }

  // --- our own

  Result<ServiceLabel> new_label(const ServiceSpec& spec, const Engine& engine) const {
    ECLUSE_ASSIGN(const EngineProgram program,
                  find_engine(spec.kind, spec.version, options.engines));
    ServiceLabel label{.kind = spec.kind, .major = program.major, .port = engine.usual_port()};
    if (options.surroundings == Surroundings::kHost) {
      ECLUSE_ASSIGN(label.port, free_port());
    }
    return label;
  }

  Result<void> take_label(ServicePlace& place, const Engine& engine) const {
    ECLUSE_ASSIGN(auto label, read_label(place.folder));
    if (!label) {
      ECLUSE_ASSIGN(label, new_label(place.spec, engine));
      ECLUSE_TRY(os::make_folder(place.folder, 0700));
      ECLUSE_TRY(write_label(place.folder, *label));
    }
    ECLUSE_TRY(check_pinned(*label, place.spec));
    place.label = *label;
    ECLUSE_ASSIGN(place.engine, find_engine(label->kind, label->major, options.engines));
    return {};
  }

  static Result<void> write_files(const ServicePlace& place, const Engine& engine) {
    ECLUSE_TRY(os::make_folder(place.conf_on_host(), 0755));
    if (place.surroundings == Surroundings::kHost) {
      ECLUSE_TRY(os::make_folder(place.data_on_host(), 0700));
    }
    for (const auto& [name, text] : engine.files(place)) {
      const auto file = place.conf_on_host() / name;
      // Usually it is there already, and a deploy need not wait for a disk.
      if (os::read_file(file, text.size()).value_or("") == text) continue;
      ECLUSE_TRY(os::replace_file(file, text, 0644));
    }
    return {};
  }

  /// Data that was made once is never made again, whatever became of it.
  Result<void> initialise(ServicePlace& place, const Engine& engine, const Passwords& passwords) {
    if (place.label.initialised) return {};
    if (const auto job = engine.initialise(place, passwords)) ECLUSE_TRY(run(place, *job));
    place.label.initialised = true;
    return write_label(place.folder, place.label);
  }

  Result<void> run(ServicePlace& place, const ports::Launch& job) {
    std::vector<std::string> lines;
    const auto keep = [&](std::string_view line) {
      if (lines.size() >= kLogLines) lines.erase(lines.begin());
      lines.emplace_back(line);
    };
    const auto code = runtime.run_job(job, kInitialiseTimeout, keep);
    if (code && *code == 0) return {};
    ++place.label.attempt;  // the same job is never started twice
    ECLUSE_TRY(write_label(place.folder, place.label));
    if (!code) return fail(in_context("making its data", code.error()));
    return fail(ErrorKind::kInternal, fmt::format("making its data failed with exit code {}: {}",
                                                  *code, join(lines, "; ")));
  }

  Result<void> start(const ports::Launch& launch) {
    auto started = runtime.start(launch);
    if (started) return {};
    if (started.error().kind != ErrorKind::kConflict) return fail(std::move(started).error());
    // Limits or version of the binaries changed: the data stays, the server starts anew.
    log_info("{}: its settings changed, it is started anew", launch.id);
    ECLUSE_TRY(runtime.stop(launch.id));
    ECLUSE_TRY(runtime.start(launch));
    return {};
  }

  Result<std::string> await_health(const ServicePlace& place, const Engine& engine,
                                   const Passwords& passwords) {
    const auto deadline = Clock::now() + options.start_timeout;
    for (;;) {
      ECLUSE_ASSIGN(const auto status, runtime.status(place.id()));
      const auto greeted = greet(engine.url(place, passwords, status.address), kGreetTimeout);
      if (greeted) return status.address;
      if (status.state == ports::InstanceState::kCrashLooping) {
        return fail(ErrorKind::kUnavailable,
                    fmt::format("it ends again and again (exit code {}); {}",
                                status.last_exit.value_or(-1), last_lines(runtime, place.id())));
      }
      if (Clock::now() >= deadline) {
        return fail(
            ErrorKind::kTimeout,
            fmt::format("it is not healthy after {}: {}; {}",
                        to_string(std::chrono::duration_cast<Duration>(options.start_timeout)),
                        greeted.error().message, last_lines(runtime, place.id())));
      }
      wait_a_little();
    }
  }

  Result<void> ensure_own(const EnvironmentKey& key, const ServiceSpec& spec) {
    const auto engine = engine_of(spec.kind);
    if (!engine) return not_available(spec.kind);
    const auto turn = turn_of(key, spec.name);
    const std::lock_guard guard(*turn);
    ServicePlace place = bare_place(key, spec);
    ECLUSE_TRY(take_label(place, *engine));
    ECLUSE_ASSIGN(const Passwords passwords, passwords_of(secrets, key, spec.name, *engine));
    ECLUSE_TRY(write_files(place, *engine));
    ECLUSE_TRY(initialise(place, *engine, passwords));
    ECLUSE_TRY(start(engine->launch(place, passwords)));
    ECLUSE_ASSIGN(const std::string address, await_health(place, *engine, passwords));
    return engine->provision(place, passwords, address);
  }

  Result<ServiceUrl> own_url(const EnvironmentKey& key, const ServiceSpec& spec) {
    const auto engine = engine_of(spec.kind);
    if (!engine) return not_available(spec.kind);
    ServicePlace place = bare_place(key, spec);
    ECLUSE_ASSIGN(const auto label, read_label(place.folder));
    auto status = runtime.status(place.id());
    if (!label || (!status && status.error().kind == ErrorKind::kNotFound)) {
      return fail(ErrorKind::kUnavailable, "it is not running");
    }
    if (!status) return fail(std::move(status).error());
    place.label = *label;
    ECLUSE_ASSIGN(const Passwords passwords, known_passwords_of(secrets, key, spec.name, *engine));
    return engine->url(place, passwords, status->address);
  }

  Result<ServiceUrl> url_of(const EnvironmentKey& key, const ServiceSpec& spec) {
    auto url = spec.url ? external_url(key, spec) : own_url(key, spec);
    if (!url) return fail(in_context(words_for(key, spec), std::move(url).error()));
    return url;
  }

  // --- for other tools

  Result<ports::DatabaseAccess> access_by(const ServiceUrl& url, const fs::path& programs) {
    ECLUSE_TRY(log_in(url, programs / "psql", kExternalTimeout));
    return ports::DatabaseAccess{.database = url.database,
                                 .environment = psql_environment(url, kExternalTimeout),
                                 .programs = programs.string()};
  }

  Result<ports::DatabaseAccess> own_access(const EnvironmentKey& key, const ServiceSpec& spec) {
    ServicePlace place = bare_place(key, spec);
    ECLUSE_ASSIGN(const auto label, read_label(place.folder));
    const auto status = runtime.status(place.id());
    if (!label || !status) return fail(ErrorKind::kUnavailable, "it is not running");
    place.label = *label;
    ECLUSE_ASSIGN(place.engine, find_engine(label->kind, label->major, options.engines));
    const auto engine = engine_of(spec.kind);
    ECLUSE_ASSIGN(const Passwords passwords, known_passwords_of(secrets, key, spec.name, *engine));
    return access_by(engine->admin_url(place, passwords, status->address), place.engine.bin);
  }

  Result<ports::DatabaseAccess> access(const EnvironmentKey& key, const ServiceSpec& spec) {
    if (spec.kind != ServiceKind::kPostgres)
      return fail(ErrorKind::kRefused, fmt::format("it is {}, not postgres", name_of(spec.kind)));
    if (!spec.url) return own_access(key, spec);
    ECLUSE_ASSIGN(const ServiceUrl url, external_url(key, spec));
    return access_by(url, psql().parent_path());
  }

  // --- status

  ports::ServiceStatus status_of(const EnvironmentKey& key, const ServiceSpec& spec) {
    ports::ServiceStatus status{.name = spec.name, .kind = spec.kind, .external = bool(spec.url)};
    if (!status.external) add_label(key, spec, status);
    const auto url = spec.url ? external_url(key, spec) : own_url(key, spec);
    const auto greeted = url ? greet(*url, kGreetTimeout) : Result<void>(fail(url.error()));
    status.healthy = greeted.has_value();
    status.detail = greeted ? "accepting connections" : greeted.error().message;
    return status;
  }

  void add_label(const EnvironmentKey& key, const ServiceSpec& spec, ports::ServiceStatus& status) {
    const auto label = read_label(bare_place(key, spec).folder);
    if (label && *label) status.version = (*label)->major;
    if (const auto engine = engine_of(spec.kind))
      status.connections_max = engine->connections_max();
  }
};

LocalServices::LocalServices(ports::Runtime& runtime, ports::Secrets& secrets,
                             LocalServicesOptions options)
    : parts_(std::make_unique<Parts>(runtime, secrets, std::move(options))) {
  if (parts_->oom_score_adj == 0) {
    log_warn(
        "services are not protected from the kernel's out-of-memory killer here: the "
        "capability CAP_SYS_RESOURCE is missing");
  }
}
LocalServices::~LocalServices() = default;

Result<void> LocalServices::ensure(const EnvironmentKey& key, const ServiceSpec& spec) {
  auto done = spec.url ? parts_->ensure_external(key, spec) : parts_->ensure_own(key, spec);
  if (!done) return fail(in_context(words_for(key, spec), std::move(done).error()));
  return {};
}

Result<void> LocalServices::stop(const EnvironmentKey& key, const std::string& service) {
  const auto turn = parts_->turn_of(key, service);
  const std::lock_guard guard(*turn);
  return parts_->runtime.stop(parts_->bare_place(key, {.name = service}).id());
}

Result<std::map<std::string, std::string>> LocalServices::variables(
    const EnvironmentKey& key, const std::vector<ServiceSpec>& specs) {
  std::vector<NamedEndpoint> endpoints;
  for (const auto& spec : specs) {
    ECLUSE_ASSIGN(ServiceUrl url, parts_->url_of(key, spec));
    endpoints.push_back({spec.name, with_driver(std::move(url), spec.driver)});
  }
  return variables_of(endpoints);
}

Result<ports::DatabaseAccess> LocalServices::access(const EnvironmentKey& key,
                                                    const ServiceSpec& spec) {
  auto access = parts_->access(key, spec);
  if (!access) return fail(in_context(words_for(key, spec), std::move(access).error()));
  return access;
}

Result<std::vector<ports::ServiceStatus>> LocalServices::status(
    const EnvironmentKey& key, const std::vector<ServiceSpec>& specs) {
  std::vector<ports::ServiceStatus> all;
  for (const auto& spec : specs) all.push_back(parts_->status_of(key, spec));
  return all;
}

}  // namespace ecluse::services
