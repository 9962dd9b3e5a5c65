#include "runtime/process/shim/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/process/shim/birth.h"
#include "runtime/process/shim/failure.h"
#include "runtime/process/shim/process_id.h"
#include "runtime/process/shim/small_file.h"

namespace ecluse::shim {

namespace {
constexpr int kPipeBytes = 1 << 20;  ///< what the app may write while no shim reads
constexpr int kIdleMs = 60'000;
constexpr int kEmptyCheckMs = 10;
constexpr int kGroupDeathMs = 10'000;  ///< SIGKILL is prompt, except for a process stuck in I/O
constexpr std::int64_t kKillAgainMs = 500;
constexpr int kExitUnknown = -1;

std::int64_t now_ms() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1'000'000;
}

void pause_ms(int ms) {
  ::poll(nullptr, 0, ms);
}

int exit_code_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Result<os::Fd> open_signals() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&wanted, number);
  ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
  os::Fd fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return failed("signalfd");
  return fd;
}
}  // namespace

Supervisor::Supervisor(Conf conf, std::vector<std::string> env, std::string folder)
    : conf_(std::move(conf)),
      env_(std::move(env)),
      folder_(std::move(folder)),
      group_(conf_.cgroups.empty() ? std::string() : conf_.cgroups.front()),
      logs_(folder_ + "/logs", conf_.log_bytes_max, conf_.log_files_max) {
  report_.shim_pid = ::getpid();
  report_.shim_start = stat_of(::getpid()).start_ticks;
  report_.boot = boot_id();
}

Result<void> Supervisor::begin(const std::string& run_folder,
                               const std::optional<Adoption>& adoption) {
  ECLUSE_ASSIGN(signals_, open_signals());
  ECLUSE_TRY(open_output());
  ECLUSE_TRY(logs_.open());
  ECLUSE_ASSIGN(server_, Server::listen_in(run_folder));
  if (adoption) {
    adopt(*adoption);
    return {};
  }
  return launch();
}

Result<void> Supervisor::open_output() {
  if (::mkfifo(fifo().c_str(), 0600) != 0 && errno != EEXIST) return failed("mkfifo " + fifo());
  output_.reset(::open(fifo().c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!output_) return failed("open " + fifo());
  // The app may open /dev/stdout by name, so the FIFO is its own.
  if (conf_.uid && ::fchown(output_.get(), *conf_.uid, *conf_.uid) != 0) {
    return failed("chown " + fifo());
  }
  ::fcntl(output_.get(), F_SETPIPE_SZ, kPipeBytes);  // best effort: a small pipe only fills sooner
  return {};
}

Result<void> Supervisor::launch() {
  restart_at_.reset();
  const auto pid = start_app(conf_, env_, fifo());
  if (!pid) {
    report_.error = pid.error().message;
    report_.error_kind = static_cast<int>(pid.error().kind);
    return fail(pid.error());
  }
  report_.error.clear();
  watch(*pid);
  adopted_ = false;
  ++report_.starts;
  if (report_.state != State::kCrashLooping) report_.state = State::kRunning;
  if (conf_.timeout_ms > 0) deadline_ = started_at_ + conf_.timeout_ms;
  tell("started");
  return {};
}

void Supervisor::adopt(const Adoption& adoption) {
  report_.starts = adoption.starts;
  adopted_ = true;
  if (is_alive(adoption.pid, adoption.pid_start)) {
    watch(adoption.pid);
    report_.state = State::kRunning;
    if (conf_.timeout_ms > 0) deadline_ = started_at_ + conf_.timeout_ms;
    return tell("adopted");
  }
  group_.lead_by(adoption.pid);
  exited(kExitUnknown);
}

void Supervisor::watch(pid_t pid) {
  app_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  report_.pid = pid;
  report_.pid_start = stat_of(pid).start_ticks;
  started_at_ = now_ms();
  group_.lead_by(pid);
}

void Supervisor::run() {
  while (!ended_) {
    std::vector<pollfd> polled{{signals_.get(), POLLIN, 0}, {output_.get(), POLLIN, 0}};
    polled.push_back({app_.get(), POLLIN, 0});  // poll() ignores a negative descriptor
    server_.add_to(polled);
    ::poll(polled.data(), polled.size(), wait_ms());
    if (polled[0].revents != 0) take_signals();
    if (polled[1].revents != 0) read_output();
    if (polled[0].revents != 0 || polled[2].revents != 0) reap();
    server_.serve(polled, [this](const std::string& word) { return answer(word); });
    check_timers(now_ms());
  }
}

int Supervisor::wait_ms() const {
  if (stopping_ && !app_) return kEmptyCheckMs;
  std::int64_t wait = kIdleMs;
  for (const auto& timer : {restart_at_, kill_at_, deadline_}) {
    if (timer) wait = std::min(wait, *timer - now_ms());
  }
  return static_cast<int>(std::max<std::int64_t>(0, wait));
}

void Supervisor::take_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGCHLD) continue;
    asked_to_end_ = true;
    stop();
  }
}

void Supervisor::reap() {
  std::optional<int> code;
  int status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == report_.pid && !adopted_) code = exit_code_of(status);
  }
  if (adopted_ && app_ && !is_alive(report_.pid, report_.pid_start)) code = kExitUnknown;
  if (code) exited(*code);
}

void Supervisor::read_output() {
  static char chunk[65536];
  const ssize_t n = ::read(output_.get(), chunk, sizeof chunk);
  if (n > 0) logs_.write({chunk, static_cast<std::size_t>(n)});
}

void Supervisor::check_timers(Millis now) {
  if (stopping_) return check_stopped(now);
  if (deadline_ && now >= *deadline_) {
    report_.timed_out = true;
    return stop();
  }
  if (restart_at_ && now >= *restart_at_ && !launch()) exited(127);
}

void Supervisor::check_stopped(Millis now) {
  if (!app_ && group_.empty()) return finish();
  if (kill_at_ && now >= *kill_at_) {
    group_.kill();
    kill_at_ = now + kKillAgainMs;
  }
}

void Supervisor::exited(int code) {
  app_.reset();
  report_.pid = 0;
  report_.last_exit = code;
  tell("exited");
  if (stopping_) return;  // what is left of the group has until the end of the grace
  end_group();
  if (!conf_.restart) return finish();
  plan_restart(now_ms());
}

void Supervisor::plan_restart(Millis now) {
  if (now - started_at_ >= conf_.stable_ms) {
    exits_.clear();
    backoff_ms_ = 0;
    report_.state = State::kBackingOff;
  }
  exits_.push_back(now);
  while (now - exits_.front() > conf_.crash_window_ms) exits_.pop_front();
  backoff_ms_ =
      backoff_ms_ == 0 ? conf_.backoff_first_ms : std::min(conf_.backoff_ms_max, backoff_ms_ * 2);
  restart_at_ = now + backoff_ms_;
  const bool looping = exits_.size() >= static_cast<std::size_t>(conf_.crash_exits);
  if (looping && report_.state != State::kCrashLooping) {
    report_.state = State::kCrashLooping;
    return tell("crash-looping");
  }
  // Once given, the verdict stands until a run has lasted.
  if (report_.state != State::kCrashLooping) report_.state = State::kBackingOff;
  tell("");
}

void Supervisor::stop() {
  if (stopping_) return;
  stopping_ = true;
  restart_at_.reset();
  deadline_.reset();
  kill_at_ = now_ms() + (app_ ? conf_.stop_grace_ms : 0);
  report_.state = State::kStopping;
  tell("");
  if (!app_) return;
  if (conf_.stop_main_only) {
    ::kill(report_.pid, conf_.stop_signal);
  } else {
    group_.signal(conf_.stop_signal);
  }
}

/// Kills what is left; false when something survived even that.
bool Supervisor::end_group() {
  const Millis give_up = now_ms() + kGroupDeathMs;
  while (!group_.empty()) {
    if (now_ms() >= give_up) return false;
    group_.kill();
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    read_output();
    pause_ms(1);
  }
  return true;
}

void Supervisor::finish() {
  report_.done = !asked_to_end_;
  report_.state = State::kStopped;
  pollfd more{output_.get(), POLLIN, 0};
  while (::poll(&more, 1, 0) > 0) read_output();
  ended_ = true;
  tell("stopped");
}

std::string Supervisor::answer(const std::string& word) {
  if (word == "stop") stop();
  return to_json(report_);
}

void Supervisor::tell(const std::string& event) {
  const Durable durable = report_.done ? Durable::kYes : Durable::kNo;
  (void)replace_small(folder_ + "/status.json", to_json(report_) + "\n", durable);
  // A full disk must not stop the app; whoever asks the socket still gets the truth.
  server_.push(to_json(report_, event));
}

}  // namespace ecluse::shim
