#include "gateway/keeper.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/log.h"
#include "gateway/respawn_pace.h"
#include "gateway/shared_memory.h"
#include "os/file.h"

namespace ecluse::gateway {

namespace {
using std::chrono::milliseconds;

constexpr milliseconds kQuickDeath{1000};  ///< a worker that lives shorter has not served
constexpr int kQuickDeathsForVerdict = 5;

std::size_t thread_count(const GatewayOptions& options) {
  const unsigned wanted =
      options.workers > 0 ? options.workers : std::max(1U, std::thread::hardware_concurrency());
  return std::min<std::size_t>(wanted, SharedMemory::kThreadsMax);
}

/// Where this program lies, so that an upgrade finds what lies there then.
Result<std::string> own_path(const GatewayOptions& options) {
  std::error_code error;
  const auto path = std::filesystem::read_symlink(options.program, error);
  if (!error) return path.string();
  if (error == std::errc::invalid_argument) return options.program.string();  // no link
  return fail(ErrorKind::kInternal,
              fmt::format("read the link {}: {}", options.program.string(), error.message()));
}
}  // namespace

Result<Keeper> Keeper::start(const GatewayOptions& options) {
  Keeper keeper;
  KeeperState& state = keeper.state_;
  state.options = options;
  state.options.workers = static_cast<unsigned>(thread_count(options));
  ECLUSE_ASSIGN(state.program_path, own_path(options));
  ECLUSE_ASSIGN(keeper.program_, open_program(options.program.string()));
  if (!options.folder.empty()) {
    ECLUSE_TRY(os::make_folder(options.folder, 0700));
    auto lock = os::lock_file(options.folder / "lock");
    if (!lock) return fail(in_context("another gateway runs on this folder", lock.error()));
    state.lock = std::move(*lock);
  }
  ECLUSE_TRY(keeper.open_listeners());
  ECLUSE_TRY(keeper.open_control_socket());
  ECLUSE_ASSIGN(state.memory, SharedMemory::create());
  ECLUSE_TRY(keeper.block_signals());
  return keeper;
}

Result<Keeper> Keeper::resume(int state_fd) {
  const os::Fd file(state_fd);
  ECLUSE_ASSIGN(const std::string text,
                os::read_file(fmt::format("/proc/self/fd/{}", state_fd), 1 << 20));
  Keeper keeper;
  ECLUSE_ASSIGN(keeper.state_, parse_keeper_text(text));
  ECLUSE_ASSIGN(keeper.program_, open_program("/proc/self/exe"));
  keeper.is_announced_ = true;
  (void)::prctl(PR_SET_NAME, "ecluse");  // it was executed through a descriptor, named by a number
  ECLUSE_TRY(keeper.block_signals());
  return keeper;
}

Result<void> Keeper::block_signals() {
  sigset_t mask;
  sigemptyset(&mask);
  for (const int signal : {SIGTERM, SIGINT, SIGCHLD, SIGUSR2}) sigaddset(&mask, signal);
  if (::sigprocmask(SIG_BLOCK, &mask, nullptr) != 0) return fail(from_errno(errno, "sigprocmask"));
  signals_.reset(::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return fail(from_errno(errno, "signalfd"));
  return {};
}

Result<void> Keeper::open_listeners() {
  for (const std::string& text : state_.options.listen) ECLUSE_TRY(open_listener(text, false));
  for (const std::string& text : state_.options.tls_listen) ECLUSE_TRY(open_listener(text, true));
  return {};
}

Result<void> Keeper::open_listener(const std::string& text, bool is_tls) {
  ECLUSE_ASSIGN(ListenAddress address, parse_listen_address(text));
  address.is_tls = is_tls;
  ECLUSE_ASSIGN(std::vector<os::Fd> shards, open_shards(address, state_.options.workers));
  state_.listeners.push_back({address, std::move(shards)});
  return {};
}

Result<void> Keeper::open_control_socket() {
  const std::string path = state_.options.control_socket.string();
  if (path.empty()) return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(ErrorKind::kInvalid, fmt::format("the path {} is too long for a socket", path));
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  os::Fd& control = state_.control;
  control.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!control) return fail(from_errno(errno, "socket"));
  (void)::unlink(path.c_str());  // a leftover of a former run; bind() says if it could not go
  const auto* const raw = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(control.get(), raw, sizeof address) != 0 || ::chmod(path.c_str(), 0600) != 0 ||
      ::listen(control.get(), 64) != 0) {
    return fail(from_errno(errno, fmt::format("listen on {}", path)));
  }
  return {};
}

std::vector<Rows> Keeper::busy_rows() const {
  std::vector<Rows> busy;
  if (state_.current) busy.push_back(state_.current.rows);
  for (const WorkerSeat& seat : state_.leaving) busy.push_back(seat.rows);
  return busy;
}

Result<void> Keeper::spawn(const os::Fd& program, unsigned threads, WorkerSeat& seat) {
  std::vector<Rows> busy = busy_rows();
  ECLUSE_ASSIGN(const Rows rows, free_rows(busy, threads));
  ECLUSE_ASSIGN(seat, start_worker(program, state_.options.arguments));
  seat.rows = rows;
  return equip(seat, threads, std::move(busy));
}

Result<void> Keeper::equip(const WorkerSeat& seat, unsigned threads, std::vector<Rows> busy) {
  WorkerStart first{.options = state_.options,
                    .generation = state_.generation + 1,
                    .rows = seat.rows,
                    .busy = std::move(busy),
                    .keeper_form = KeeperState::kForm};
  first.options.workers = threads;
  Message start{.kind = Message::Kind::kStart, .text = start_text(first)};
  ECLUSE_ASSIGN(os::Fd memory, duplicate(state_.memory));
  start.descriptors.push_back(std::move(memory));
  if (state_.control) {
    ECLUSE_ASSIGN(os::Fd control, duplicate(state_.control));
    start.descriptors.push_back(std::move(control));
  }
  return send_message(seat.channel.get(), start);
}

Result<void> Keeper::let_serve(const WorkerSeat& seat) {
  for (const OpenListener& listener : state_.listeners) {
    ECLUSE_TRY(give_listener(seat, listener));
  }
  return send_message(seat.channel.get(), {.kind = Message::Kind::kServe});
}

Result<void> Keeper::give_listener(const WorkerSeat& seat, const OpenListener& listener) {
  Message message{.kind = Message::Kind::kListener,
                  .text = listener.address.host,
                  .port = listener.address.port,
                  .is_tls = listener.address.is_tls};
  for (const os::Fd& shard : listener.shards) {
    ECLUSE_ASSIGN(os::Fd copy, duplicate(shard));
    message.descriptors.push_back(std::move(copy));
  }
  return send_message(seat.channel.get(), message);
}

int Keeper::poll_timeout_ms() const {
  if (is_finishing_) return -1;
  if (stage_ == Stage::kNone && state_.current) return -1;
  const auto until = stage_ == Stage::kNone ? respawn_at_ : hand_over_by_;
  const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count() + 1));
}

int Keeper::run() {
  while (!is_finishing_ || state_.current || next_ || !state_.leaving.empty()) {
    if (stage_ != Stage::kNone && Clock::now() >= hand_over_by_) {
      abandon_hand_over("the new worker process did not get ready in time");
    }
    respawn_if_due();
    wait_for_events();
  }
  return exit_code_;
}

void Keeper::respawn_if_due() {
  if (state_.current || next_ || is_finishing_ || Clock::now() < respawn_at_) return;
  if (auto spawned = spawn(program_, state_.options.workers, state_.current); !spawned) {
    log_error("gateway: starting the worker process: {}", spawned.error().message);
    respawn_at_ = Clock::now() + kPauseMax;
    return;
  }
  ++state_.generation;
}

void Keeper::wait_for_events() {
  std::array<pollfd, 3> waits{pollfd{signals_.get(), POLLIN, 0},
                              pollfd{state_.current.channel.get(), POLLIN, 0},
                              pollfd{next_.channel.get(), POLLIN, 0}};
  if (::poll(waits.data(), waits.size(), poll_timeout_ms()) <= 0) return;
  // Either may move to another seat while it is heard.
  if (waits[1].revents != 0) hear(state_.current);
  if (waits[2].revents != 0 && next_) hear(next_);
  if (waits[0].revents != 0) handle_signals();
}

void Keeper::handle_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) handle_signal(info.ssi_signo);
}

void Keeper::handle_signal(std::uint32_t number) {
  if (number == SIGCHLD) return reap();
  if (number == SIGUSR2) return begin_hand_over(state_.options.workers);
  finish();
}

void Keeper::tell(const WorkerSeat& seat, const Message& message) {
  if (auto told = send_message(seat.channel.get(), message); !told) {
    log_warn("gateway: {}", told.error().message);  // it is ending: SIGCHLD tells the rest
  }
}

void Keeper::finish() {
  if (is_finishing_) return;
  if (stage_ != Stage::kNone) abandon_hand_over("the gateway was told to end");
  is_finishing_ = true;
  log_info("gateway: draining");
  state_.listeners.clear();
  if (state_.current) tell(state_.current, {.kind = Message::Kind::kFinish});
  for (const WorkerSeat& seat : state_.leaving) tell(seat, {.kind = Message::Kind::kFinish});
}

void Keeper::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == state_.current.pid) {
      current_died(status);
    } else if (pid == next_.pid) {
      next_ = {};
      abandon_hand_over(WIFSIGNALED(status)
                            ? fmt::format("it ended by signal {}", WTERMSIG(status))
                            : fmt::format("it ended with exit code {}", WEXITSTATUS(status)));
    } else {
      std::erase_if(state_.leaving, [&](const WorkerSeat& seat) { return seat.pid == pid; });
    }
  }
}

void Keeper::current_died(int status) {
  const WorkerSeat died = std::exchange(state_.current, {});
  respawn_at_ = Clock::now();
  if (is_finishing_) return;
  if (stage_ == Stage::kQuiet) return let_next_serve();  // nobody is left to be waited for
  if (stage_ != Stage::kNone) return;                    // the next one takes the seat
  if (!is_announced_ && WIFEXITED(status) && WEXITSTATUS(status) == 1) {
    // It said itself why it cannot serve, and it never has: trying again would not help.
    is_finishing_ = true;
    exit_code_ = 1;
    return;
  }
  const std::string how = WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                                              : fmt::format("exit code {}", WEXITSTATUS(status));
  const bool was_quick = Clock::now() - died.spawned_at < kQuickDeath;
  quick_deaths_ = was_quick ? quick_deaths_ + 1 : 0;
  if (quick_deaths_ < 2) {
    log_error("gateway: the worker process ended ({}); starting it again", how);
    return;
  }
  respawn_at_ += pause_after(quick_deaths_, died.is_ready);
  if (quick_deaths_ == kQuickDeathsForVerdict) {
    log_error(
        "gateway: the worker process cannot live: {} deaths in a row, each within a second of "
        "its start, the last by {}; the lines above say why. It is tried again every {} ms",
        quick_deaths_, how, (died.is_ready ? kServingPauseMax : kPauseMax).count());
  }
}

void Keeper::hear(WorkerSeat& seat) {
  auto message = receive_message(seat.channel.get());
  if (message) return obey(seat, *message);
  seat.channel.reset();  // the worker is ending: SIGCHLD tells the rest
}

void Keeper::obey(WorkerSeat& seat, const Message& message) {
  const bool is_next = &seat == &next_;
  switch (message.kind) {
    case Message::Kind::kPrepared:
      if (is_next) return next_is_prepared(message);
      if (auto told = let_serve(seat); !told) log_error("gateway: {}", told.error().message);
      return;
    case Message::Kind::kReady:
      seat.is_ready = true;
      return is_next ? complete_hand_over() : announce();
    case Message::Kind::kQuiet:
      if (stage_ == Stage::kQuiet) let_next_serve();
      return;
    case Message::Kind::kUpgrade:
      return begin_hand_over(message.port == 0 ? state_.options.workers : message.port);
    case Message::Kind::kOpenPort:
      return open_port(seat, message.port);
    case Message::Kind::kClosePort:
      return close_port(message.port);
    case Message::Kind::kStart:
    case Message::Kind::kListener:
    case Message::Kind::kServe:
    case Message::Kind::kRefused:
    case Message::Kind::kFinish:
    case Message::Kind::kQuiesce:
    case Message::Kind::kResume:
    case Message::Kind::kHandOver:
      log_error("gateway: the worker process sent what only the keeper sends");
  }
}

void Keeper::open_port(const WorkerSeat& seat, std::uint16_t port) {
  const auto same = [&](const OpenListener& l) { return l.address.port == port; };
  auto known = std::ranges::find_if(state_.listeners, same);
  Result<void> given;
  if (known == state_.listeners.end()) {
    // A site's own port opens on the address of the first listener.
    ListenAddress address{parse_listen_address(state_.options.listen.front())->host, port};
    auto shards = open_shards(address, state_.options.workers);
    if (!shards) {
      given = send_message(
          seat.channel.get(),
          {.kind = Message::Kind::kRefused, .text = shards.error().message, .port = port});
    } else {
      state_.listeners.push_back({address, std::move(*shards), true});
      given = give_listener(seat, state_.listeners.back());
    }
  } else {
    given = give_listener(seat, *known);
  }
  if (!given) log_warn("gateway: {}", given.error().message);  // a new worker gets it anyway
}

void Keeper::close_port(std::uint16_t port) {
  std::erase_if(state_.listeners,
                [&](const OpenListener& l) { return l.on_demand && l.address.port == port; });
}

void Keeper::announce() {
  if (is_announced_) return log_info("gateway: the worker process serves again");
  is_announced_ = true;
  for (const OpenListener& listener : state_.listeners) {
    const std::string_view how = listener.address.is_tls ? " tls" : "";
    log_info("gateway: listening on {}{}", to_string(listener.address), how);
    if (state_.options.announce && !listener.on_demand) {
      fmt::print("listening {}{}\n", to_string(listener.address), how);
    }
  }
  (void)std::fflush(stdout);  // nobody reading it is no reason to stop
}

Result<int> run_keeper(const GatewayOptions& options) {
  auto keeper = options.keeper_fd >= 0 ? Keeper::resume(options.keeper_fd) : Keeper::start(options);
  if (!keeper) return fail(keeper.error());
  const int code = keeper->run();
  const auto& socket = keeper->options().control_socket;
  if (!socket.empty()) (void)::unlink(socket.c_str());  // best effort: the next one replaces it
  return code;
}

}  // namespace ecluse::gateway
