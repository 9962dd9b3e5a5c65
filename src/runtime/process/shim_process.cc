#include "runtime/process/shim_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

namespace ecluse::runtime {

namespace {
constexpr int kReadyFd = 3;
constexpr int kNetnsFd = 4;
constexpr int kAboveOurs = 10;
constexpr auto kReadyWithin = std::chrono::seconds(20);

std::vector<std::string> arguments_of(const ShimCall& call) {
  std::vector<std::string> argv{"ecluse-shim", call.folder, call.run_folder,
                                std::to_string(kReadyFd),
                                call.netns_fd < 0 ? "-1" : std::to_string(kNetnsFd)};
  if (call.adopt) {
    argv.push_back(std::to_string(call.adopt->pid));
    argv.push_back(std::to_string(call.adopt->pid_start));
    argv.push_back(std::to_string(call.adopt->starts));
  }
  return argv;
}

struct Descriptors {
  int image = -1;
  int ready = -1;
  int netns = -1;
  int null = -1;
};

/// Only async-signal-safe calls from here to exec: other threads' locks are frozen in this copy.
[[noreturn]] void be_shim(const Descriptors& fds, char** argv) {
  char* no_environment[] = {nullptr};
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int fd : {0, 1, 2}) ::dup2(fds.null, fd);
  ::dup2(fds.ready, kReadyFd);
  if (fds.netns >= 0) ::dup2(fds.netns, kNetnsFd);
  ::dup2(fds.image, kNetnsFd + 1);
  ::fcntl(kNetnsFd + 1, F_SETFD, FD_CLOEXEC);
  ::syscall(SYS_close_range, static_cast<unsigned>(kNetnsFd + 2), ~0U, 0U);
  ::syscall(SYS_execveat, kNetnsFd + 1, "", argv, no_environment, AT_EMPTY_PATH);
  const char* reason = "7exec of the shim failed";  // 7: ErrorKind::kInternal
  (void)!::write(kReadyFd, reason, std::strlen(reason));
  ::_exit(127);
}

/// Out of the way of the numbers that be_shim() hands out.
Result<os::Fd> lifted(int fd) {
  os::Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, kAboveOurs));
  if (!copy) return fail(from_errno(errno, "duplicate a descriptor"));
  return copy;
}

Result<std::string> hear(int fd) {
  const auto give_up = std::chrono::steady_clock::now() + kReadyWithin;
  std::string text;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        give_up - std::chrono::steady_clock::now());
    pollfd ready{fd, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) == 0) {
      return fail(ErrorKind::kTimeout, "the shim did not answer in time");
    }
    char chunk[1024];
    const ssize_t n = ::read(fd, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(chunk, static_cast<std::size_t>(n));
  }
}

Result<void> judged(const std::string& answer) {
  if (answer == "ok") return {};
  if (answer.empty()) return fail(ErrorKind::kInternal, "the shim died while starting");
  return fail(static_cast<ErrorKind>(answer[0] - '0'), answer.substr(1));
}

Result<void> fork_twice(const Descriptors& fds, const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t middle = ::fork();
  if (middle < 0) return fail(from_errno(errno, "fork"));
  if (middle == 0) {
    ::setsid();
    const pid_t shim = ::fork();
    if (shim == 0) be_shim(fds, argv.data());
    ::_exit(shim < 0 ? 1 : 0);
  }
  int status = 0;
  while (::waitpid(middle, &status, 0) < 0 && errno == EINTR) {
  }
  if (status == 0) return {};
  return fail(ErrorKind::kExhausted, "fork of the shim failed");
}
}  // namespace

Result<void> start_shim(const ShimCall& call) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(from_errno(errno, "pipe"));
  const os::Fd read_end(ends[0]);
  os::Fd write_end(ends[1]);
  const os::Fd null_device(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ECLUSE_ASSIGN(os::Fd ready, lifted(write_end.get()));
  ECLUSE_ASSIGN(const os::Fd image, lifted(call.image_fd));
  ECLUSE_ASSIGN(const os::Fd null, lifted(null_device.get()));
  os::Fd netns;
  if (call.netns_fd >= 0) {
    ECLUSE_ASSIGN(netns, lifted(call.netns_fd));
  }
  ECLUSE_TRY(fork_twice({image.get(), ready.get(), netns.get(), null.get()}, arguments_of(call)));
  ready.reset();
  write_end.reset();
  ECLUSE_ASSIGN(const std::string answer, hear(read_end.get()));
  return judged(answer);
}

}  // namespace ecluse::runtime
