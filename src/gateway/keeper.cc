#include "gateway/keeper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

#include "base/log.h"
#include "gateway/channel.h"
#include "gateway/listen_address.h"
#include "gateway/shared_memory.h"
#include "os/file.h"

namespace ecluse::gateway {

namespace {
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kQuickDeath{1000};  ///< a worker that lives shorter has not served
constexpr milliseconds kBackoffMax{2000};
constexpr milliseconds kServingBackoffMax{400};  ///< of one that can serve: back within a second
constexpr int kQuickDeathsForVerdict = 5;

struct OpenListener {
  ListenAddress address;
  std::vector<os::Fd> shards;
  bool on_demand = false;
};

class Keeper {
 public:
  explicit Keeper(const GatewayOptions& options) : options_(options) {}
  Result<void> prepare();
  int run();

 private:
  Result<void> block_signals();
  Result<void> open_control_socket();
  Result<void> spawn();
  Result<void> equip();
  Result<void> give_listener(const OpenListener& listener);
  void handle_signals();
  void reap();
  void worker_died(int status);
  void handle_message();
  void obey(const Message& message);
  void open_port(std::uint16_t port);
  void close_port(std::uint16_t port);
  void announce();
  void finish();
  int poll_timeout_ms() const;

  GatewayOptions options_;
  os::Fd lock_;
  os::Fd memory_;
  os::Fd control_;
  os::Fd signals_;
  os::Fd channel_;
  std::vector<OpenListener> listeners_;
  sigset_t former_mask_{};
  pid_t worker_ = 0;
  Clock::time_point spawned_at_;
  Clock::time_point respawn_at_;
  int quick_deaths_ = 0;
  int exit_code_ = 0;
  bool is_announced_ = false;
  bool is_ready_ = false;  ///< the worker of now has said so
  bool is_finishing_ = false;
};

std::size_t thread_count(const GatewayOptions& options) {
  const unsigned wanted =
      options.workers > 0 ? options.workers : std::max(1U, std::thread::hardware_concurrency());
  return std::min<std::size_t>(wanted, SharedMemory::kThreadsMax);
}

Result<void> Keeper::block_signals() {
  sigset_t mask;
  sigemptyset(&mask);
  for (const int signal : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&mask, signal);
  if (::sigprocmask(SIG_BLOCK, &mask, &former_mask_) != 0) {
    return fail(from_errno(errno, "sigprocmask"));
  }
  signals_.reset(::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return fail(from_errno(errno, "signalfd"));
  return {};
}

Result<void> Keeper::prepare() {
  options_.workers = static_cast<unsigned>(thread_count(options_));
  if (!options_.folder.empty()) {
    ECLUSE_TRY(os::make_folder(options_.folder, 0700));
    auto lock = os::lock_file(options_.folder / "lock");
    if (!lock) return fail(in_context("another gateway runs on this folder", lock.error()));
    lock_ = std::move(*lock);
  }
  for (const std::string& text : options_.listen) {
    ECLUSE_ASSIGN(ListenAddress address, parse_listen_address(text));
    ECLUSE_ASSIGN(std::vector<os::Fd> shards, open_shards(address, options_.workers));
    listeners_.push_back({address, std::move(shards)});
  }
  ECLUSE_TRY(open_control_socket());
  ECLUSE_ASSIGN(memory_, SharedMemory::create());
  return block_signals();
}

Result<void> Keeper::open_control_socket() {
  const std::string path = options_.control_socket.string();
  if (path.empty()) return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(ErrorKind::kInvalid, fmt::format("the path {} is too long for a socket", path));
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  control_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!control_) return fail(from_errno(errno, "socket"));
  (void)::unlink(path.c_str());  // a leftover of a former run; bind() says if it could not go
  const auto* const raw = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(control_.get(), raw, sizeof address) != 0 || ::chmod(path.c_str(), 0600) != 0 ||
      ::listen(control_.get(), 64) != 0) {
    return fail(from_errno(errno, fmt::format("listen on {}", path)));
  }
  return {};
}

/// Everything that fork() may not do after it is made before it.
Result<void> Keeper::spawn() {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return fail(from_errno(errno, "socketpair"));
  }
  channel_.reset(pair[0]);
  const os::Fd theirs(pair[1]);
  const std::string program = options_.program.string();
  std::vector<std::string> arguments = {"ecluse"};
  arguments.insert(arguments.end(), options_.arguments.begin(), options_.arguments.end());
  arguments.insert(arguments.end(), {"--worker-fd", std::to_string(theirs.get())});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) return fail(from_errno(errno, "fork"));
  if (pid == 0) {
    (void)::fcntl(theirs.get(), F_SETFD, 0);
    (void)::sigprocmask(SIG_SETMASK, &former_mask_, nullptr);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);  // the keeper sees it as a quick death
  }
  worker_ = pid;
  is_ready_ = false;
  spawned_at_ = Clock::now();
  return equip();
}

Result<os::Fd> duplicate(const os::Fd& fd) {
  os::Fd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return fail(from_errno(errno, "dup"));
  return copy;
}

Result<void> Keeper::equip() {
  Message start{.kind = Message::Kind::kStart, .text = options_text(options_)};
  ECLUSE_ASSIGN(os::Fd memory, duplicate(memory_));
  start.descriptors.push_back(std::move(memory));
  if (control_) {
    ECLUSE_ASSIGN(os::Fd control, duplicate(control_));
    start.descriptors.push_back(std::move(control));
  }
  ECLUSE_TRY(send_message(channel_.get(), start));
  for (const OpenListener& listener : listeners_) ECLUSE_TRY(give_listener(listener));
  return {};
}

Result<void> Keeper::give_listener(const OpenListener& listener) {
  Message message{.kind = Message::Kind::kListener,
                  .text = listener.address.host,
                  .port = listener.address.port};
  for (const os::Fd& shard : listener.shards) {
    ECLUSE_ASSIGN(os::Fd copy, duplicate(shard));
    message.descriptors.push_back(std::move(copy));
  }
  return send_message(channel_.get(), message);
}

int Keeper::poll_timeout_ms() const {
  if (worker_ != 0 || is_finishing_) return -1;
  const auto left = std::chrono::duration_cast<milliseconds>(respawn_at_ - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

int Keeper::run() {
  while (!is_finishing_ || worker_ != 0) {
    if (worker_ == 0 && !is_finishing_ && Clock::now() >= respawn_at_) {
      if (auto spawned = spawn(); !spawned) {
        log_error("gateway: starting the worker process: {}", spawned.error().message);
        respawn_at_ = Clock::now() + kBackoffMax;
      }
    }
    std::array<pollfd, 2> waits{pollfd{signals_.get(), POLLIN, 0},
                                pollfd{channel_.get(), POLLIN, 0}};
    if (::poll(waits.data(), waits.size(), poll_timeout_ms()) <= 0) continue;
    if (waits[1].revents != 0) handle_message();
    if (waits[0].revents != 0) handle_signals();
  }
  return exit_code_;
}

void Keeper::handle_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGCHLD) {
      reap();
    } else {
      finish();
    }
  }
}

void Keeper::finish() {
  if (is_finishing_) return;
  is_finishing_ = true;
  log_info("gateway: draining");
  listeners_.clear();
  if (worker_ == 0) return;
  if (auto told = send_message(channel_.get(), {.kind = Message::Kind::kFinish}); !told) {
    log_warn("gateway: {}", told.error().message);
    (void)::kill(worker_, SIGTERM);  // fails only if it has ended, and then SIGCHLD comes
  }
}

void Keeper::reap() {
  int status = 0;
  if (worker_ == 0 || ::waitpid(worker_, &status, WNOHANG) != worker_) return;
  worker_died(status);
}

void Keeper::worker_died(int status) {
  worker_ = 0;
  channel_.reset();
  respawn_at_ = Clock::now();
  if (is_finishing_) return;
  if (!is_announced_ && WIFEXITED(status) && WEXITSTATUS(status) == 1) {
    // It said itself why it cannot serve, and it never has: trying again would not help.
    is_finishing_ = true;
    exit_code_ = 1;
    return;
  }
  const std::string how = WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                                              : fmt::format("exit code {}", WEXITSTATUS(status));
  const bool was_quick = Clock::now() - spawned_at_ < kQuickDeath;
  quick_deaths_ = was_quick ? quick_deaths_ + 1 : 0;
  if (quick_deaths_ < 2) {
    log_error("gateway: the worker process ended ({}); starting it again", how);
    return;
  }
  const milliseconds backoff_max = is_ready_ ? kServingBackoffMax : kBackoffMax;
  const milliseconds backoff =
      std::min(backoff_max, milliseconds(25 << std::min(quick_deaths_, 7)));
  respawn_at_ += backoff;
  if (quick_deaths_ == kQuickDeathsForVerdict) {
    log_error(
        "gateway: the worker process cannot live: {} deaths in a row, each within a second of "
        "its start, the last by {}; the lines above say why. It is tried again every {} ms",
        quick_deaths_, how, backoff_max.count());
  }
}

void Keeper::handle_message() {
  auto message = receive_message(channel_.get());
  if (message) return obey(*message);
  channel_.reset();  // the worker is ending: SIGCHLD tells the rest
}

void Keeper::obey(const Message& message) {
  switch (message.kind) {
    case Message::Kind::kReady:
      return announce();
    case Message::Kind::kOpenPort:
      return open_port(message.port);
    case Message::Kind::kClosePort:
      return close_port(message.port);
    case Message::Kind::kStart:
    case Message::Kind::kListener:
    case Message::Kind::kRefused:
    case Message::Kind::kFinish:
      log_error("gateway: the worker process sent what only the keeper sends");
  }
}

void Keeper::open_port(std::uint16_t port) {
  const auto same = [&](const OpenListener& l) { return l.address.port == port; };
  auto known = std::ranges::find_if(listeners_, same);
  Result<void> given;
  if (known == listeners_.end()) {
    // A site's own port opens on the address of the first listener.
    ListenAddress address{parse_listen_address(options_.listen.front())->host, port};
    auto shards = open_shards(address, options_.workers);
    if (!shards) {
      given = send_message(
          channel_.get(),
          {.kind = Message::Kind::kRefused, .text = shards.error().message, .port = port});
    } else {
      listeners_.push_back({address, std::move(*shards), true});
      given = give_listener(listeners_.back());
    }
  } else {
    given = give_listener(*known);
  }
  if (!given) log_warn("gateway: {}", given.error().message);  // a new worker gets it anyway
}

void Keeper::close_port(std::uint16_t port) {
  std::erase_if(listeners_,
                [&](const OpenListener& l) { return l.on_demand && l.address.port == port; });
}

void Keeper::announce() {
  is_ready_ = true;
  if (is_announced_) return log_info("gateway: the worker process serves again");
  is_announced_ = true;
  for (const OpenListener& listener : listeners_) {
    log_info("gateway: listening on {}", to_string(listener.address));
    if (options_.announce && !listener.on_demand) {
      fmt::print("listening {}\n", to_string(listener.address));
    }
  }
  (void)std::fflush(stdout);  // nobody reading it is no reason to stop
}
}  // namespace

Result<int> run_keeper(const GatewayOptions& options) {
  Keeper keeper(options);
  ECLUSE_TRY(keeper.prepare());
  const int code = keeper.run();
  if (!options.control_socket.empty()) (void)::unlink(options.control_socket.c_str());
  return code;
}

}  // namespace ecluse::gateway
