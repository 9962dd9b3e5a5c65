#include "artifact/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "artifact/cage.h"
#include "artifact/git_command.h"
#include "base/line_splitter.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/file.h"

extern char** environ;

namespace ecluse::artifact {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {
constexpr int kSetupFailed = 125;

/// One mount(2), its strings made before the fork: between fork and exec nothing is allocated.
struct MountStep {
  std::string source;
  std::string target;
  std::string type;
  unsigned long flags = 0;
  std::string options;
  bool may_be_missing = false;
};

struct Pipe {
  os::Fd read;
  os::Fd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(from_errno(errno, "pipe"));
  return Pipe{os::Fd(ends[0]), os::Fd(ends[1])};
}

void add_bind(std::vector<MountStep>& steps, const std::string& source, const std::string& target,
              bool writable) {
  steps.push_back({source, target, "", MS_BIND | MS_REC, ""});
  if (!writable)
    steps.push_back({"", target, "", MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID, ""});
}

void add_empty(std::vector<MountStep>& steps, const std::string& target, const char* options) {
  steps.push_back({"ecluse", target, "tmpfs", MS_NOSUID | MS_NODEV, options, true});
}

/// What a path below /tmp or /app is before those are mounted.
fs::path before_mounts(const Sandbox& sandbox, const std::string& target) {
  if (target.starts_with("/tmp/")) return sandbox.tmp / target.substr(5);
  return sandbox.app / target.substr(5);
}

Result<std::vector<MountStep>> mount_steps(const Sandbox& sandbox) {
  std::vector<MountStep> steps = {{"", "/", "", MS_REC | MS_PRIVATE, ""}};
  // Binds first, into the folders that will be /app and /tmp: what they come from is hidden later.
  for (const Bind& bind : sandbox.binds) {
    const fs::path place = before_mounts(sandbox, bind.target);
    ECLUSE_TRY(os::make_folder(place));
    add_bind(steps, bind.source.string(), place.string(), bind.writable);
  }
  add_bind(steps, sandbox.app.string(), "/app", true);
  add_bind(steps, sandbox.tmp.string(), "/tmp", true);
  for (const fs::path& hidden : sandbox.hidden) {
    add_empty(steps, hidden.string(), "size=4k,mode=0555");
  }
  add_empty(steps, "/dev/shm", "size=512m,mode=1777");
  add_empty(steps, "/var/tmp", "size=512m,mode=1777");
  steps.push_back({"proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, ""});
  return steps;
}

/// Everything the children need, made before they exist.
struct Prepared {
  std::vector<MountStep> mounts;
  std::vector<std::string> argv_strings;
  std::vector<std::string> env_strings;
  std::vector<char*> argv;
  std::vector<char*> envp;
  std::string folder;
  std::uint32_t uid = 0;
  std::uint64_t file_bytes_max = 0;
  std::uint32_t pids_max = 0;
  bool private_place = false;
  int output = -1;
  int complaint = -1;  ///< "what\0errno" when a step before exec fails
  int start = -1;      ///< a byte comes when the cage is ready
};

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (auto& s : strings) pointers.push_back(s.data());
  pointers.push_back(nullptr);
  return pointers;
}

void fill_strings(Prepared& prepared, const SandboxCommand& command) {
  prepared.argv_strings = command.argv;
  for (const auto& [name, value] : command.env) prepared.env_strings.push_back(name + "=" + value);
  prepared.argv = pointers_to(prepared.argv_strings);
  prepared.envp = pointers_to(prepared.env_strings);
}

// ---- From here to run_in(): children, async-signal-safe calls only. ----

[[noreturn]] void complain(const Prepared& prepared, const char* what) {
  const int code = errno;
  (void)!::write(prepared.complaint, &code, sizeof code);
  (void)!::write(prepared.complaint, what, std::strlen(what));
  ::_exit(kSetupFailed);
}

void enter_place(const Prepared& prepared) {
  for (const MountStep& step : prepared.mounts) {
    const char* source = step.source.empty() ? nullptr : step.source.c_str();
    const char* type = step.type.empty() ? nullptr : step.type.c_str();
    const char* options = step.options.empty() ? nullptr : step.options.c_str();
    if (::mount(source, step.target.c_str(), type, step.flags, options) == 0) continue;
    if (step.may_be_missing && errno == ENOENT) continue;
    complain(prepared, step.target.c_str());
  }
}

void bound(int resource, rlim_t value) {
  const rlimit limit{value, value};
  (void)::setrlimit(static_cast<__rlimit_resource>(resource), &limit);  // a lower hard limit stands
}

/// Raw calls: glibc's would signal threads that this copy of the process does not have.
void become_user(const Prepared& prepared) {
  if (::syscall(SYS_setgroups, 0, nullptr) != 0) complain(prepared, "setgroups");
  const auto id = prepared.uid;
  if (::syscall(SYS_setresgid, id, id, id) != 0) complain(prepared, "setgid");
  if (::syscall(SYS_setresuid, id, id, id) != 0) complain(prepared, "setuid");
}

[[noreturn]] void become_command(const Prepared& prepared) {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::umask(022);
  bound(RLIMIT_CORE, 0);
  bound(RLIMIT_FSIZE, prepared.file_bytes_max);
  if (prepared.private_place) {
    bound(RLIMIT_NPROC, prepared.pids_max);
    become_user(prepared);
    ::setsid();
  }
  (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (::chdir(prepared.folder.c_str()) != 0) complain(prepared, prepared.folder.c_str());
  environ = const_cast<char**>(prepared.envp.data());  // execvp searches the PATH of the command
  ::execvp(prepared.argv[0], prepared.argv.data());
  complain(prepared, prepared.argv[0]);
}

/// The first process of the namespace: reaps whatever is orphaned, ends with the command, and the
/// kernel then ends all the rest.
[[noreturn]] void wait_as_init(pid_t command) {
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, 0);
    if (ended < 0 && errno == EINTR) continue;
    if (ended < 0) ::_exit(kSetupFailed);
    if (ended != command) continue;
    ::_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  }
}

constexpr int kComplaint = 3;
constexpr int kStart = 4;

/// Descriptors at fixed places and every other one closed: the first process of the namespace never
/// calls exec, so what it inherited of the daemon would stay open for as long as the build takes.
void keep_own_descriptors(Prepared& prepared) {
  const int null = ::open("/dev/null", O_RDONLY);
  constexpr int kAbove = 16;  // clear of the places that they go to
  const int output = ::fcntl(prepared.output, F_DUPFD, kAbove);
  const int complaint = ::fcntl(prepared.complaint, F_DUPFD, kAbove);
  const int start = ::fcntl(prepared.start, F_DUPFD, kAbove);
  const bool placed = ::dup2(null, 0) == 0 && ::dup2(output, 1) == 1 && ::dup2(output, 2) == 2 &&
                      ::dup3(complaint, kComplaint, O_CLOEXEC) == kComplaint &&
                      ::dup3(start, kStart, O_CLOEXEC) == kStart;
  if (!placed) complain(prepared, "standard streams");
  prepared.complaint = kComplaint;
  prepared.start = kStart;
  ::syscall(SYS_close_range, static_cast<unsigned>(kStart + 1), ~0U, 0U);
}

void await_start(const Prepared& prepared) {
  char byte = 0;
  ssize_t n = 0;
  do {
    n = ::read(prepared.start, &byte, 1);
  } while (n < 0 && errno == EINTR);
  if (n != 1) ::_exit(kSetupFailed);  // the daemon is gone
}

[[noreturn]] void run_child(Prepared& prepared) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  keep_own_descriptors(prepared);
  await_start(prepared);
  if (!prepared.private_place) {
    ::setpgid(0, 0);
    become_command(prepared);
  }
  enter_place(prepared);
  const auto command =
      static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0));
  if (command < 0) complain(prepared, "fork");
  if (command == 0) become_command(prepared);
  ::syscall(SYS_close_range, 0U, ~0U, 0U);
  wait_as_init(command);
}

// ---- The parent again. ----

pid_t start_child(Prepared& prepared) {
  const unsigned long flags = prepared.private_place ? CLONE_NEWNS | CLONE_NEWPID : 0UL;
  const auto child =
      static_cast<pid_t>(::syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, 0));
  if (child == 0) run_child(prepared);
  return child;
}

class LineRelay {
 public:
  static constexpr std::size_t kLineBytesMax = 8192;

  LineRelay(const ports::LineSink& sink, std::size_t lines_max) : sink_(sink), left_(lines_max) {}

  void push(std::string_view bytes) {
    splitter_.push(bytes, [&](std::string_view line) { relay(line); });
  }
  void finish() {
    splitter_.finish([&](std::string_view line) { relay(line); });
    if (dropped_ > 0) sink_(fmt::format("({} more lines of output were dropped)", dropped_));
  }

 private:
  void relay(std::string_view line) {
    if (left_ == 0) {
      ++dropped_;
      return;
    }
    --left_;
    sink_(without_credentials(line));
  }

  const ports::LineSink& sink_;
  LineSplitter splitter_{LineSplitter::Ends::kProgress, kLineBytesMax};
  std::size_t left_;
  std::size_t dropped_ = 0;
};

/// False at the end of the stream.
bool relay_some(int fd, LineRelay& relay) {
  std::array<char, 65536> chunk{};
  const ssize_t n = ::read(fd, chunk.data(), chunk.size());
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (n <= 0) return false;
  relay.push({chunk.data(), static_cast<std::size_t>(n)});
  return true;
}

bool has_input(int fd) {
  pollfd polled{fd, POLLIN, 0};
  return ::poll(&polled, 1, 0) > 0;
}

/// Relays lines until the child has ended; false when `deadline` came first.
bool relay_until_end(int output, int pidfd, LineRelay& relay, Clock::time_point deadline) {
  bool open = true;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    std::array<pollfd, 2> polled{{{pidfd, POLLIN, 0}, {open ? output : -1, POLLIN, 0}}};
    ::poll(polled.data(), polled.size(), static_cast<int>(std::min<long>(left, 60'000)));
    if (open && polled[1].revents != 0) open = relay_some(output, relay);
    if (polled[0].revents != 0) return true;
  }
}

int reap(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// What a child said about a step that failed before exec, if it did.
std::optional<Error> complaint_of(int fd, const SandboxCommand& command) {
  std::array<char, 4096> text{};
  const ssize_t n = ::read(fd, text.data(), text.size());
  int code = 0;
  if (n < static_cast<ssize_t>(sizeof code)) return std::nullopt;
  std::memcpy(&code, text.data(), sizeof code);
  const std::string what(text.data() + sizeof code, static_cast<std::size_t>(n) - sizeof code);
  Error error = from_errno(code, what);
  if (what == command.argv[0]) {
    if (code == ENOENT) error = {ErrorKind::kNotFound, fmt::format("no program {}", what), {}};
    return error;
  }
  return Error{ErrorKind::kUnavailable,
               fmt::format("the build's own place cannot be made: {}", error.message),
               "`ecluse doctor` says which privileges are missing"};
}

Result<Prepared> prepare(const Sandbox& sandbox, const SandboxCommand& command) {
  Prepared prepared;
  prepared.private_place = is_private();
  fill_strings(prepared, command);
  prepared.folder = command.folder;
  prepared.uid = sandbox.uid;
  prepared.file_bytes_max = sandbox.bounds.file_bytes_max;
  prepared.pids_max = sandbox.bounds.pids_max;
  if (prepared.private_place) {
    ECLUSE_TRY(os::make_folder("/app"));  // an empty folder of the host: what the tree is laid over
    ECLUSE_ASSIGN(prepared.mounts, mount_steps(sandbox));
  }
  return prepared;
}
}  // namespace

bool is_private() {
  return ::geteuid() == 0;
}

std::string app_place(const Sandbox& sandbox) {
  return is_private() ? "/app" : sandbox.app.string();
}
std::string tmp_place(const Sandbox& sandbox) {
  return is_private() ? "/tmp" : sandbox.tmp.string();
}

Result<int> run_in(const Sandbox& sandbox, const SandboxCommand& command,
                   const ports::LineSink& sink) {
  ECLUSE_ASSIGN(Prepared prepared, prepare(sandbox, command));
  ECLUSE_ASSIGN(Pipe output, make_pipe());
  ECLUSE_ASSIGN(Pipe complaint, make_pipe());
  ECLUSE_ASSIGN(Pipe start, make_pipe());
  prepared.output = output.write.get();
  prepared.complaint = complaint.write.get();
  prepared.start = start.read.get();
  ::fcntl(complaint.read.get(), F_SETFL, O_NONBLOCK);
  Cage cage(sandbox.bounds);

  const pid_t child = start_child(prepared);
  if (child < 0) return fail(from_errno(errno, "starting the build's place"));
  const os::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  auto admitted = cage.admit(child);
  auto started = admitted ? os::write_all(start.write.get(), "s") : std::move(admitted);
  if (!started) {
    ::kill(child, SIGKILL);
    reap(child);
    return fail(std::move(started).error());
  }
  output.write.reset();
  complaint.write.reset();

  LineRelay relay(sink, sandbox.bounds.lines_max);
  const bool in_time =
      relay_until_end(output.read.get(), pidfd.get(), relay, Clock::now() + command.timeout);
  ::kill(prepared.private_place ? child : -child, SIGKILL);  // already ended: only what it left
  const int exit_code = reap(child);
  while (has_input(output.read.get()) && relay_some(output.read.get(), relay)) {
  }
  relay.finish();
  if (!in_time) {
    return fail(ErrorKind::kTimeout,
                fmt::format("did not end within {}", to_string(Duration(command.timeout))));
  }
  if (auto error = complaint_of(complaint.read.get(), command)) return fail(std::move(*error));
  if (exit_code != 0 && cage.ran_out_of_memory()) {
    return fail(ErrorKind::kExhausted,
                fmt::format("was killed: it wanted more than {} MiB of memory",
                            sandbox.bounds.memory_bytes_max >> 20));
  }
  return exit_code;
}

}  // namespace ecluse::artifact
