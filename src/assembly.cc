#include "assembly.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <thread>

#include "api/server.h"
#include "artifact/artifact_builder.h"
#include "artifact/git_vcs.h"
#include "backup/local_backups.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/background.h"
#include "cli/exit_code.h"
#include "config/parse.h"
#include "control/plane.h"
#include "examine/examiner.h"
#include "gateway/condition.h"
#include "gateway/gateway.h"
#include "gateway/measurements_client.h"
#include "gateway/outcomes_client.h"
#include "gateway/traffic_client.h"
#include "gateway/upgrade.h"
#include "observe/http_prober.h"
#include "os/file.h"
#include "os/group.h"
#include "repository_audit.h"
#include "runtime/process/privileges.h"
#include "runtime/process/process_runtime.h"
#include "runtime/process/shim_image.h"
#include "secrets/secret_store.h"
#include "services/local_services.h"
#include "stage_log_files.h"
#include "started_examination.h"
#include "storage/folder_lock.h"
#include "storage/sqlite_store.h"
#include "storage/system_clock.h"
#include "transfer/database_move.h"

namespace ecluse {

namespace {

/// How long requests and effects under way may take once we were told to stop. Whatever is cut off
/// then is taken up again at the next start, as after a crash.
constexpr std::chrono::seconds kRequestsGrace{5};
constexpr std::chrono::seconds kEffectsGrace{15};

// ---- Signals ------------------------------------------------------------------------------------

int stop_event = -1;

/// Handlers, not a mask and not SIG_IGN: both would be inherited by everything we start.
Result<void> watch_signals() {
  stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop_event < 0) return fail(from_errno(errno, "making an event descriptor"));
  struct sigaction stop{};
  stop.sa_handler = [](int) { (void)eventfd_write(stop_event, 1); };  // fails when set already
  struct sigaction nothing{};
  nothing.sa_handler = [](int) {};
  sigaction(SIGTERM, &stop, nullptr);
  sigaction(SIGINT, &stop, nullptr);
  sigaction(SIGPIPE, &nothing, nullptr);
  return {};
}

void wait_for_stop() {
  pollfd wait{stop_event, POLLIN, 0};
  while (poll(&wait, 1, -1) < 0 && errno == EINTR) {
  }
}

/// Ends the process when an orderly end takes too long.
std::jthread end_watch() {
  return std::jthread([](const std::stop_token& stop) {
    const auto deadline = std::chrono::steady_clock::now() + kEffectsGrace;
    while (!stop.stop_requested()) {
      if (std::chrono::steady_clock::now() > deadline) {
        log_warn("effects are still under way; they are taken up at the next start");
        _exit(0);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
}

// ---- Redaction ----------------------------------------------------------------------------------

/// The log's filter is set before threads start, the store of secrets opens later.
std::atomic<secrets::SecretStore*> known_secrets = nullptr;

std::string redacted(std::string_view text) {
  const auto* const store = known_secrets.load();
  return store == nullptr ? std::string(text) : store->redact(text);
}

class RedactionWhile {
 public:
  explicit RedactionWhile(secrets::SecretStore& store) { known_secrets = &store; }
  ~RedactionWhile() { known_secrets = nullptr; }
  RedactionWhile(const RedactionWhile&) = delete;
  RedactionWhile& operator=(const RedactionWhile&) = delete;
};

// ---- Small facts --------------------------------------------------------------------------------

Result<control::ParsedApp> parse_app(std::string_view text, const std::string& file) {
  auto parsed = config::parse(text, file);
  if (parsed) {
    auto warnings = config::render(parsed->warnings, text);
    return control::ParsedApp{std::move(parsed->spec), std::move(warnings)};
  }
  return fail(ErrorKind::kInvalid, config::render(parsed.error(), text),
              "correct ecluse.yml and commit it; `ecluse explain` checks it here");
}

std::uint64_t kilobytes_after(std::string_view meminfo, std::string_view name) {
  const auto at = meminfo.find(name);
  return at == std::string_view::npos
             ? 0
             : std::strtoull(std::string(meminfo.substr(at + name.size(), 32)).c_str(), nullptr,
                             10);
}

control::MachineFacts machine_facts() {
  const auto meminfo = os::read_file("/proc/meminfo", 64 << 10);
  if (!meminfo) return {};  // unknown: admission then says that it could not check
  return {kilobytes_after(*meminfo, "MemTotal:") << 10, kilobytes_after(*meminfo, "MemAvailable:")
                                                            << 10};
}

/// Without networks of their own, instances share the host's ports. Another may take it between
/// now and the app's bind(); then the app says so and is started again.
std::uint16_t free_port(const std::string&) {
  const os::Fd probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(probe.get(), generic, size) != 0 || getsockname(probe.get(), generic, &size) != 0)
    return 0;
  return ntohs(address.sin_port);
}

Result<std::string> api_token(const std::filesystem::path& file) {
  if (auto kept = os::read_file(file, 1024)) return std::string(trim(*kept));
  std::array<unsigned char, 24> random{};
  if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    return fail(from_errno(errno, "getrandom"));
  }
  std::string token;
  for (const auto byte : random) token += fmt::format("{:02x}", byte);
  ECLUSE_TRY(os::replace_file(file, token + "\n", 0600));
  return token;
}

Result<std::optional<api::TcpAccess>> tcp_access(const cli::ControlPlaneOptions& options) {
  if (options.api.empty()) return std::nullopt;
  const auto colon = options.api.rfind(':');
  const auto port =
      colon == std::string::npos ? 0 : std::strtoul(options.api.c_str() + colon + 1, nullptr, 10);
  if (port == 0 || port > 65535) {
    return fail(ErrorKind::kInvalid, fmt::format("--api {} is not ADDRESS:PORT", options.api),
                "as --api 127.0.0.1:7070");
  }
  ECLUSE_ASSIGN(auto token, api_token(options.places.data / "api-token"));
  return api::TcpAccess{options.api.substr(0, colon), static_cast<std::uint16_t>(port),
                        std::move(token)};
}

// ---- The control plane --------------------------------------------------------------------------

services::LocalServicesOptions services_options(const std::filesystem::path& data, bool isolated,
                                                secrets::SecretStore& secrets) {
  return {.folder = data / "services",
          .surroundings =
              isolated ? services::Surroundings::kOwnNetwork : services::Surroundings::kHost,
          .on_secret = [&secrets](const std::string& name, const std::string& value) {
            secrets.register_value(name, value);
          }};
}

/// What cannot be cleared costs space and nothing else: it is no reason not to start.
void clear_left_behind(artifact::ArtifactBuilder& builder) {
  const auto freed = builder.clear_left_behind();
  if (!freed) {
    log_warn("what killed builds left stays: {}", freed.error().message);
  } else if (*freed > 0) {
    log_info("removed {} MiB that a killed build had left", *freed >> 20);
  }
}

Result<void> serve(control::Plane& plane, const cli::ControlPlaneOptions& options,
                   const cli::ControlPlaneHooks& hooks) {
  api::ServerOptions server_options;
  server_options.socket = options.places.api_socket();
  server_options.redact = redacted;
  server_options.data = options.places.data.string();
  ECLUSE_ASSIGN(server_options.tcp, tcp_access(options));
  ECLUSE_TRY(plane.start());
  ECLUSE_ASSIGN(const auto server, api::Server::start(plane, std::move(server_options)));
  hooks.ready();
  log_info("the control plane serves on {}", options.places.api_socket().string());
  wait_for_stop();
  log_info("the control plane stops; the gateway and the instances go on");
  if (!server->stop(kRequestsGrace)) {
    log_warn("a request is still at work; it is cut off");
    _exit(0);
  }
  return {};
}

Result<void> run_control_plane(const cli::ControlPlaneOptions& options,
                               const cli::ControlPlaneHooks& hooks) {
  const auto& data = options.places.data;
  ECLUSE_ASSIGN(const auto lock, storage::FolderLock::acquire(data));
  ECLUSE_TRY(hooks.locked());
  ECLUSE_TRY(watch_signals());
  set_log_filter(redacted);

  ECLUSE_ASSIGN(const auto store, storage::SqliteStore::open(data / "state.db"));
  ECLUSE_ASSIGN(const auto newest, store->newest_time());
  ECLUSE_ASSIGN(const auto clock,
                storage::SystemClock::open(data / "clock.json", {.floor = newest}));
  const char* const credentials = std::getenv("CREDENTIALS_DIRECTORY");
  ECLUSE_ASSIGN(
      const auto secrets,
      secrets::SecretStore::open(
          {data / "secrets", data / "key", credentials == nullptr ? "" : credentials}, *clock));
  const RedactionWhile redaction(*secrets);
  ECLUSE_ASSIGN(const auto runtime, runtime::ProcessRuntime::open(data, options.places.run));
  gateway::TrafficClient traffic(options.places.gateway_socket());
  gateway::OutcomesClient outcomes(options.places.gateway_socket(), std::chrono::seconds(1));
  gateway::MeasurementsClient measurements(options.places.gateway_socket(),
                                           std::chrono::seconds(1));
  observe::HttpProber prober;
  services::LocalServices services(*runtime, *secrets,
                                   services_options(data, runtime->isolated(), *secrets));
  backup::LocalBackups backups(data / "backups", services, *clock);
  artifact::GitVcs vcs(data);
  artifact::ArtifactBuilder builder(data, vcs);
  clear_left_behind(builder);
  ECLUSE_TRY(examine::stop_left_behind(*runtime));
  StageLogFiles stage_logs(data / "logs" / "rollouts");

  control::Settings settings{.layers_root = (data / "layers").string(),
                             .volumes_root = (data / "volumes").string(),
                             .machine = machine_facts,
                             .is_member = os::is_member};
  if (!runtime->isolated()) settings.port_for = free_port;
  std::jthread watch;  // before the plane: it ends the wait for the plane's own end
  control::Plane plane(
      {*clock, *runtime, traffic, prober, *store, vcs, builder, services, *secrets, stage_logs,
       parse_app, &backups, &outcomes, repository_audit(vcs, data / "audits"),
       started_examination(vcs, *runtime, data / "examinations", runtime->isolated(),
                           [] { return machine_facts().memory_bytes_available; }),
       transfer::mover_in(data / "moves"), &measurements},
      settings);
  auto served = serve(plane, options, hooks);
  watch = end_watch();
  return served;
}

// ---- The gateway --------------------------------------------------------------------------------

int run_gateway(const cli::GatewayOptions& options) {
  gateway::GatewayOptions gateway;
  if (!options.listen.empty()) gateway.listen = options.listen;
  if (!options.tls_listen.empty()) gateway.tls_listen = {options.tls_listen};
  gateway.tls_certificate = options.tls_certificate;
  gateway.tls_key = options.tls_key;
  gateway.to = options.to;
  gateway.workers = options.workers;
  gateway.folder = options.state;
  gateway.control_socket = options.control;
  gateway.metrics = options.metrics;
  gateway.access_log = options.access_log;
  gateway.certifier = options.certifier;
  gateway.worker_fd = options.worker_fd;
  gateway.keeper_fd = options.keeper_fd;
  for (const auto& bound : options.bounds) {
    if (const auto set = set_bound(gateway.bounds, bound); !set) {
      fmt::print(stderr, "error: {}\n", set.error().message);
      return cli::kUsage;
    }
  }
  return gateway::gateway_main(gateway);
}

Result<os::Fd> connected_to(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) {
    return fail(ErrorKind::kInvalid, "the path of the socket is too long: " + path.string());
  }
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  os::Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return fail(from_errno(errno, "connect to " + path.string()));
  }
  return fd;
}

bool gateway_answers(const std::filesystem::path& control) {
  if (!connected_to(control)) return false;
  return gateway::TrafficClient(control, std::chrono::seconds(2)).sites().has_value();
}

/// The keeper listens on the control socket, so the kernel knows its process id.
Result<void> stop_gateway(const std::filesystem::path& control) {
  const auto fd = connected_to(control);
  if (!fd) return {};  // it is not running
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd->get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return fail(from_errno(errno, "asking who holds " + control.string()));
  }
  return cli::terminate(peer.pid, std::chrono::seconds(60));
}

Result<void> upgrade_gateway(const std::filesystem::path& control, unsigned workers) {
  return gateway::upgrade(control, workers, std::chrono::seconds(30));
}

Result<void> stop_instances(const cli::Places& places) {
  ECLUSE_ASSIGN(const auto lock, storage::FolderLock::acquire(places.data));
  ECLUSE_ASSIGN(const auto runtime, runtime::ProcessRuntime::open(places.data, places.run));
  ECLUSE_ASSIGN(const auto instances, runtime->list());
  for (const auto& instance : instances) ECLUSE_TRY(runtime->stop(instance.id));
  return {};
}

// ---- The rest -----------------------------------------------------------------------------------

int run_shim(const std::vector<std::string>& arguments) {
  const auto image = runtime::open_shim_image(std::filesystem::temp_directory_path());
  if (!image) {
    fmt::print(stderr, "error: {}\n", image.error().message);
    return cli::kFailed;
  }
  std::vector<std::string> words = {"ecluse-shim"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  fexecve(image->get(), argv.data(), environ);
  fmt::print(stderr, "error: {}\n", from_errno(errno, "starting the shim").message);
  return cli::kFailed;
}

cli::Finding examine_gateway(const std::filesystem::path& control) {
  cli::Finding finding{.what = "gateway",
                       .detail = "does not answer on " + control.string(),
                       .consequence = "no traffic is carried",
                       .remedy = "ecluse up --detach"};
  if (!connected_to(control)) return finding;
  const auto condition = gateway::ask_condition(control, std::chrono::seconds(2));
  if (!condition) {
    finding.detail = condition.error().message;
    return finding;
  }
  finding.ok = condition->lacks.empty();
  finding.detail = fmt::format("{} descriptors, for clients at most {}", condition->descriptors,
                               condition->clients_max);
  finding.consequence = "the kernel withholds " + join(condition->lacks, "; ");
  finding.remedy = "a newer kernel, or a container or seccomp filter that permits these calls";
  return finding;
}

std::vector<cli::Finding> privileges(const cli::Places& places) {
  std::vector<cli::Finding> findings{examine_gateway(places.gateway_socket())};
  for (const auto& privilege : runtime::probe_privileges()) {
    findings.push_back({.what = privilege.name,
                        .ok = privilege.ok,
                        .essential = privilege.name == "shim",  // the rest degrades, and says so
                        .detail = privilege.ok ? privilege.consequence : "missing",
                        .consequence = privilege.consequence,
                        .remedy = privilege.fix});
  }
  return findings;
}

}  // namespace

cli::Roles assembled_roles() {
  return {.control_plane = run_control_plane,
          .gateway = run_gateway,
          .shim = run_shim,
          .gateway_answers = gateway_answers,
          .stop_gateway = stop_gateway,
          .upgrade_gateway = upgrade_gateway,
          .stop_instances = stop_instances,
          .privileges = privileges};
}

}  // namespace ecluse
