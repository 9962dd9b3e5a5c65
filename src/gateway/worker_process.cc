#include "gateway/worker_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <sys/prctl.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <optional>

#include "base/locked.h"
#include "base/log.h"
#include "gateway/channel.h"
#include "gateway/control.h"
#include "gateway/control_server.h"
#include "gateway/descriptor_limit.h"
#include "gateway/keeper_state.h"
#include "gateway/kernel_features.h"
#include "gateway/listen_address.h"
#include "gateway/meter.h"
#include "gateway/metrics_server.h"
#include "gateway/outcome_reader.h"

namespace ecluse::gateway {

namespace {
using std::chrono::milliseconds;

class WorkerProcess {
 public:
  WorkerProcess(int channel, std::uint64_t descriptors)
      : channel_(channel), means_{.descriptors = descriptors} {}
  ~WorkerProcess() {
    if (outcomes_) outcomes_->stop();  // the server waits for its calls
  }
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  Result<int> run();

 private:
  Result<void> receive_start();
  Result<bool> await_turn();
  Result<void> serve();
  Result<void> start_control();
  Result<void> start_server();
  Result<void> start_metrics();
  void start_log();
  Result<std::string> log_every(std::uint32_t n);
  std::string metrics_text();
  Result<void> apply_stand_alone();
  Result<void> open_site_ports();
  void obey(Message message);
  void add_listener(Message message);
  Result<void> open_port(std::uint16_t port);
  void close_port(std::uint16_t port);
  Result<ListenAddress> public_address(std::optional<std::uint16_t> port);
  Result<std::uint64_t> ask_for_upgrade(unsigned threads);
  void quiesce();
  void resume(const std::string& why);
  void hand_over();
  void finish();
  bool all_finished() const;

  struct Upgrade {
    std::string refusal;  ///< why the last one failed
  };
  struct Ports {
    std::vector<ListenAddress> open;
    std::map<std::uint16_t, std::string> refused;
  };
  os::Fd channel_;
  Means means_;
  GatewayOptions options_;
  WorkerStart start_;
  Locked<Upgrade> upgrade_;
  std::optional<SharedMemory> memory_;
  os::Fd control_listener_;
  OutcomeBell bell_;
  std::filesystem::path log_file_;
  std::optional<AccessLog> log_;
  AddressLedger ledger_;
  WorkerContext context_;
  Locked<Ports> ports_;
  std::vector<Message> early_;  ///< listeners that came before the threads
  std::unique_ptr<Control> control_;
  std::optional<OutcomeReader> outcomes_;
  std::optional<Meter> meter_;
  const Itself itself_{
      .upgrade = [this](unsigned threads) { return ask_for_upgrade(threads); },
      .generation = [this] { return start_.generation; },
      .refusal = [this] { return upgrade_.with([](const Upgrade& u) { return u.refusal; }); },
      .means = [this] { return means_; },
      .metrics = [this] { return metrics_text(); },
      .log_every = [this](std::uint32_t n) { return log_every(n); },
      .override_token =
          [this](const model::EnvironmentKey& key, model::ReleaseNumber release, Duration life) {
            return sign_override(context_.override_key, OverrideUse::kCookie, to_string(key),
                                 release, std::time(nullptr) + life.count() / 1000);
          },
  };
  std::unique_ptr<ControlServer> server_;
  std::unique_ptr<MetricsServer> metrics_;
  bool is_finishing_ = false;
};

std::uint64_t monotonic_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(now).count());
}

/// What this machine gives us, once for each worker process.
void tell_means(const Means& means) {
  log_info("gateway: of the kernel: {}; {} descriptors, for clients at most {}",
           to_text(kernel_features()), means.descriptors, means.clients_max);
}

Result<void> WorkerProcess::receive_start() {
  ECLUSE_ASSIGN(Message start, receive_message(channel_.get()));
  if (start.kind != Message::Kind::kStart || start.descriptors.empty()) {
    return fail(ErrorKind::kInternal, "the keeper did not say how to start");
  }
  ECLUSE_ASSIGN(start_, parse_start_text(start.text));
  options_ = start_.options;
  ECLUSE_ASSIGN(SharedMemory memory, SharedMemory::map(std::move(start.descriptors[0])));
  memory_.emplace(std::move(memory));
  memory_->forget_in_flight(start_.busy);
  if (start_.busy.empty()) memory_->outcomes().settle_orphans(monotonic_ms());
  if (start.descriptors.size() > 1) control_listener_ = std::move(start.descriptors[1]);
  return {};
}

Result<void> WorkerProcess::start_control() {
  context_.bounds = options_.bounds;
  context_.bounds.client_connections_max =
      client_room(means_.descriptors, options_.bounds.client_connections_max);
  means_.clients_max = context_.bounds.client_connections_max;
  tell_means(means_);
  context_.ledger = &ledger_;
  context_.memory = &*memory_;
  context_.bell = &bell_;
  context_.threads = options_.workers;
  context_.first_row = start_.rows.first;
  context_.override_key = random_override_key();
  if (!options_.folder.empty()) {
    ECLUSE_ASSIGN(context_.override_key,
                  load_or_make_override_key(options_.folder / "override.key"));
  }
  const bool keeps_state = !options_.folder.empty() && options_.to.empty();
  ECLUSE_ASSIGN(control_,
                Control::start({
                    .context = &context_,
                    .state_file = keeps_state ? options_.folder / "state" : "",
                    .certificates = {.folder = options_.folder.empty() ? std::filesystem::path()
                                                                       : options_.folder / "tls",
                                     .certificate = options_.tls_certificate,
                                     .key = options_.tls_key.empty() ? options_.tls_certificate
                                                                     : options_.tls_key},
                    .open_port = [this](std::uint16_t p) { return open_port(p); },
                    .close_port = [this](std::uint16_t p) { close_port(p); },
                    .public_address = [this](auto p) { return public_address(p); },
                }));
  return {};
}

/// Without a control plane: one site for all hosts, made of the addresses on the command line.
Result<void> WorkerProcess::apply_stand_alone() {
  ports::Backend backend{.process = "web"};
  for (const std::string& text : options_.to) {
    ECLUSE_ASSIGN(const ListenAddress to, parse_listen_address(text));
    backend.targets.push_back({.instance = text, .address = to.host, .port = to.port});
  }
  ports::Site site{.key = {"gateway", "alone"}, .show_release = false};
  site.arms.push_back({.release = 1, .weight_ppm = 1'000'000, .backends = {backend}});
  return control_->serve_everywhere(site);
}

Result<void> WorkerProcess::open_site_ports() {
  for (const std::uint16_t port : control_->site_ports()) {
    const bool is_open = ports_.with([&](const Ports& ports) {
      return std::ranges::find(ports.open, port, &ListenAddress::port) != ports.open.end();
    });
    if (is_open) continue;
    ECLUSE_TRY(send_message(channel_.get(), {.kind = Message::Kind::kOpenPort, .port = port}));
  }
  return {};
}

Result<void> WorkerProcess::open_port(std::uint16_t port) {
  constexpr milliseconds kTimeout{3000};
  ports_.with([&](Ports& ports) { ports.refused.erase(port); });
  ECLUSE_TRY(send_message(channel_.get(), {.kind = Message::Kind::kOpenPort, .port = port}));
  const auto is_open = [&](const Ports& ports) {
    return std::ranges::find(ports.open, port, &ListenAddress::port) != ports.open.end();
  };
  return ports_.when(
      kTimeout, [&](const Ports& p) { return is_open(p) || p.refused.contains(port); },
      [&](const Ports& p) -> Result<void> {
        if (is_open(p)) return {};
        if (const auto why = p.refused.find(port); why != p.refused.end()) {
          return fail(ErrorKind::kConflict, why->second,
                      fmt::format("`ss -ltnp 'sport = :{}'` says who has it", port));
        }
        return fail(ErrorKind::kUnavailable, fmt::format("port {} was not opened in time", port));
      });
}

void WorkerProcess::close_port(std::uint16_t port) {
  for (const auto& thread : control_->threads()) thread->forget_listener(port);
  ports_.with([&](Ports& ports) {
    std::erase_if(ports.open, [&](const ListenAddress& a) { return a.port == port; });
  });
  auto told = send_message(channel_.get(), {.kind = Message::Kind::kClosePort, .port = port});
  if (!told) log_warn("gateway: {}", told.error().message);
}

Result<ListenAddress> WorkerProcess::public_address(std::optional<std::uint16_t> port) {
  return ports_.with([&](const Ports& ports) -> Result<ListenAddress> {
    for (const ListenAddress& address : ports.open) {
      if (port ? address.port == *port : !address.is_tls) return address;
    }
    return fail(ErrorKind::kUnavailable, "the gateway has no listener for that site");
  });
}

void WorkerProcess::add_listener(Message message) {
  const ListenAddress address{message.text, message.port, message.is_tls};
  const bool is_known = ports_.with([&](const Ports& ports) {
    return std::ranges::any_of(ports.open, [&](const ListenAddress& a) {
      return a.port == address.port && a.host == address.host;
    });
  });
  if (is_known) return;
  // Every shard is polled by somebody, also when there are fewer threads than shards; and every
  // thread polls one, also when there are more.
  auto& threads = control_->threads();
  const std::size_t shards = message.descriptors.size();
  for (std::size_t i = shards; i < threads.size(); ++i) {
    os::Fd copy(::fcntl(message.descriptors[i % shards].get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) continue;  // it has no work from here
    threads[i]->listen(std::move(copy), message.port, message.is_tls);
  }
  for (std::size_t i = 0; i < shards; ++i) {
    threads[i % threads.size()]->listen(std::move(message.descriptors[i]), message.port,
                                        message.is_tls);
  }
  ports_.change([&](Ports& ports) { ports.open.push_back(address); });
}

void WorkerProcess::obey(Message message) {
  switch (message.kind) {
    case Message::Kind::kListener:
      return add_listener(std::move(message));
    case Message::Kind::kRefused:
      log_error("gateway: port {}: {}", message.port, message.text);
      return ports_.change([&](Ports& p) { p.refused[message.port] = message.text; });
    case Message::Kind::kFinish:
      return finish();
    case Message::Kind::kQuiesce:
      return quiesce();
    case Message::Kind::kResume:
      return resume(message.text);
    case Message::Kind::kHandOver:
      return hand_over();
    case Message::Kind::kStart:
    case Message::Kind::kPrepared:
    case Message::Kind::kServe:
    case Message::Kind::kReady:
    case Message::Kind::kUpgrade:
    case Message::Kind::kQuiet:
    case Message::Kind::kOpenPort:
    case Message::Kind::kClosePort:
      log_error("gateway: the keeper sent what only the worker process sends");
  }
}

/// The answer to `upgrade`: which generation asked. Whoever wants the end of it looks for a later
/// one, or for a refusal.
Result<std::uint64_t> WorkerProcess::ask_for_upgrade(unsigned threads) {
  upgrade_.with([](Upgrade& upgrade) { upgrade.refusal.clear(); });
  ECLUSE_TRY(send_message(channel_.get(), {.kind = Message::Kind::kUpgrade,
                                           .port = static_cast<std::uint16_t>(threads)}));
  return start_.generation;
}

/// Another process is about to read what we decided: nothing may change behind its back.
void WorkerProcess::quiesce() {
  if (outcomes_) outcomes_->stop();  // the server waits for its calls
  server_.reset();
  metrics_.reset();  // the other opens the same address
  control_->settle();
  if (auto told = send_message(channel_.get(), {.kind = Message::Kind::kQuiet}); !told) {
    log_warn("gateway: {}", told.error().message);
  }
}

void WorkerProcess::resume(const std::string& why) {
  upgrade_.with([&](Upgrade& upgrade) { upgrade.refusal = why; });
  // What still stands was not asked to be quiet.
  const auto server = server_ ? Result<void>() : start_server();
  if (!server) log_error("gateway: {}", server.error().message);
  const auto metrics = metrics_ ? Result<void>() : start_metrics();
  if (!metrics) log_error("gateway: {}", metrics.error().message);
}

void WorkerProcess::hand_over() {
  is_finishing_ = true;
  control_->follow_another();
  for (const auto& thread : control_->threads()) thread->hand_over();
}

void WorkerProcess::finish() {
  is_finishing_ = true;
  for (const auto& thread : control_->threads()) thread->finish();
}

bool WorkerProcess::all_finished() const {
  return is_finishing_ &&
         std::ranges::all_of(control_->threads(), [](const auto& t) { return t->finished(); });
}

/// Until the keeper says that nobody else decides; false when it said that we are not needed.
Result<bool> WorkerProcess::await_turn() {
  for (;;) {
    ECLUSE_ASSIGN(Message message, receive_message(channel_.get()));
    if (message.kind == Message::Kind::kServe) return true;
    if (message.kind == Message::Kind::kFinish) return false;
    if (message.kind == Message::Kind::kListener) early_.push_back(std::move(message));
  }
}

Result<void> WorkerProcess::start_server() {
  if (!control_listener_) return {};
  ECLUSE_ASSIGN(os::Fd listener, duplicate(control_listener_));
  outcomes_.emplace(memory_->outcomes(), bell_,
                    [this](const model::EnvironmentKey& key) { return control_->find(key); });
  server_ = std::make_unique<ControlServer>(std::move(listener),
                                            Desks{*control_, *outcomes_, *meter_, itself_});
  return {};
}

Result<void> WorkerProcess::start_metrics() {
  if (options_.metrics.empty()) return {};
  ECLUSE_ASSIGN(const ListenAddress address, parse_listen_address(options_.metrics));
  auto server = MetricsServer::start(address, [this] { return meter_->traffic(); });
  if (!server) return fail(in_context("--metrics", server.error()));
  metrics_ = std::move(*server);
  return {};
}

std::string WorkerProcess::metrics_text() {
  metrics::Exposition text(metrics::Form::kPrometheus);
  write(text, meter_->traffic());
  return text.finish();
}

void WorkerProcess::start_log() {
  const bool from_the_start = !options_.access_log.empty();
  if (from_the_start) {
    log_file_ = options_.access_log;
  } else if (!options_.folder.empty()) {
    log_file_ = options_.folder / "access.log";
  } else {
    return;
  }
  log_.emplace(log_file_, options_.bounds.access_log_bytes_max,
               options_.bounds.access_log_files_max);
  log_->log_every(from_the_start ? 1 : 0);
  context_.log = &*log_;
}

Result<std::string> WorkerProcess::log_every(std::uint32_t n) {
  if (!log_) {
    return fail(ErrorKind::kInvalid, "this gateway has no place for an access log",
                "start it with --access-log FILE or with a folder");
  }
  log_->log_every(n);
  return log_file_.string();
}

/// The table first, then the sockets.
Result<void> WorkerProcess::serve() {
  start_log();
  ECLUSE_TRY(start_control());
  meter_.emplace(*memory_, *control_);
  if (!options_.to.empty()) ECLUSE_TRY(apply_stand_alone());
  for (Message& listener : early_) add_listener(std::move(listener));
  early_.clear();
  ECLUSE_TRY(open_site_ports());
  ECLUSE_TRY(start_server());
  ECLUSE_TRY(start_metrics());
  return send_message(channel_.get(), {.kind = Message::Kind::kReady});
}

Result<int> WorkerProcess::run() {
  ECLUSE_TRY(receive_start());
  const auto form =
      static_cast<std::uint16_t>(KeeperState::kForm == start_.keeper_form ? KeeperState::kForm : 0);
  ECLUSE_TRY(send_message(channel_.get(), {.kind = Message::Kind::kPrepared, .port = form}));
  ECLUSE_ASSIGN(const bool is_needed, await_turn());
  if (!is_needed) return 0;
  ECLUSE_TRY(serve());
  while (!all_finished()) {
    constexpr int kFinishCheckMs = 20;
    pollfd wait{channel_.get(), POLLIN, 0};
    const int ready = ::poll(&wait, 1, is_finishing_ ? kFinishCheckMs : -1);
    control_->follow_newest();
    if (ready <= 0) continue;
    auto message = receive_message(channel_.get());
    if (message) {
      obey(std::move(*message));
    } else {
      // Nobody holds the sockets any more and nobody would respawn us: finish, so that a new
      // gateway can take over.
      if (!is_finishing_) log_error("gateway: the keeper is gone; draining");
      channel_.reset();
      finish();
    }
  }
  return 0;
}
}  // namespace

Result<int> run_worker_process(int channel) {
  // The keeper says when to end: a signal to the whole process group must not cut requests off.
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGUSR2}) {
    (void)::signal(number, SIG_IGN);  // cannot fail for these
  }
  (void)::prctl(PR_SET_NAME, "ecluse");  // it was executed through a descriptor, named by a number
  const std::uint64_t descriptors = raise_descriptor_limit();
  if (::sodium_init() < 0) return fail(ErrorKind::kInternal, "libsodium could not start");
  WorkerProcess process(channel, descriptors);
  return process.run();
}

}  // namespace ecluse::gateway
