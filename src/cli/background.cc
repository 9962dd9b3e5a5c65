#include "cli/background.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "api/json.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/file.h"

namespace ecluse::cli {

namespace {

constexpr std::size_t kMessageBytesMax = 64 << 10;

struct Pipe {
  os::Fd read;
  os::Fd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail(from_errno(errno, "making a pipe"));
  return Pipe{os::Fd(ends[0]), os::Fd(ends[1])};
}

Result<os::Fd> open_log(const std::filesystem::path& log) {
  ECLUSE_TRY(os::make_folder(log.parent_path(), 0700));
  os::Fd fd(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd) return fail(from_errno(errno, "open " + log.string()));
  return fd;
}

/// stdin from nowhere, stdout and stderr into the log.
bool redirect(const os::Fd& log) {
  const os::Fd nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  return dup2(nothing.get(), STDIN_FILENO) >= 0 && dup2(log.get(), STDOUT_FILENO) >= 0 &&
         dup2(log.get(), STDERR_FILENO) >= 0;
}

/// What comes through the pipe until its other end closes or `until` has come.
Result<std::string> read_message(int fd, std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  std::string message;
  std::array<char, 4096> buffer{};
  while (message.size() < kMessageBytesMax && !message.ends_with('\n')) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd wait{fd, POLLIN, 0};
    if (left.count() <= 0) return fail(ErrorKind::kTimeout, "it did not get ready in time");
    if (poll(&wait, 1, static_cast<int>(left.count())) <= 0) continue;
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    message.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return message;
}

/// The exec'd program inherits nothing but the three standard descriptors.
[[noreturn]] void exec_or_tell(const std::filesystem::path& program,
                               const std::vector<std::string>& argv, int tell) {
  std::vector<char*> pointers;
  for (const auto& word : argv) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  execv(program.c_str(), pointers.data());
  const auto why = fmt::format("{}\n", std::strerror(errno));
  (void)os::write_all(tell, why);  // nobody is left to tell
  _exit(127);
}

[[noreturn]] void become_detached(const std::filesystem::path& program,
                                  const std::vector<std::string>& argv, const os::Fd& log,
                                  const Pipe& pipe) {
  // Twice, so that it is a child of init and never has a terminal.
  if (setsid() < 0 || fork() != 0) _exit(0);
  if (!redirect(log)) _exit(127);
  exec_or_tell(program, argv, pipe.write.get());
}

}  // namespace

Result<void> spawn_detached(const std::filesystem::path& program,
                            const std::vector<std::string>& argv,
                            const std::filesystem::path& log_path) {
  ECLUSE_ASSIGN(auto log, open_log(log_path));
  ECLUSE_ASSIGN(auto pipe, make_pipe());
  const pid_t child = fork();
  if (child < 0) return fail(from_errno(errno, "fork"));
  if (child == 0) become_detached(program, argv, log, pipe);
  pipe.write.reset();
  waitpid(child, nullptr, 0);
  ECLUSE_ASSIGN(const auto why, read_message(pipe.read.get(), std::chrono::seconds(10)));
  if (why.empty()) return {};
  return fail(ErrorKind::kInternal, fmt::format("starting {}: {}", program.string(), trim(why)));
}

Result<std::string> detach(
    const std::filesystem::path& log_path, std::chrono::seconds deadline,
    const std::function<Result<void>(const std::function<void(const std::string&)>& ready)>&
        serve) {
  ECLUSE_ASSIGN(auto log, open_log(log_path));
  ECLUSE_ASSIGN(auto pipe, make_pipe());
  const pid_t child = fork();
  if (child < 0) return fail(from_errno(errno, "fork"));
  if (child == 0) {
    if (setsid() < 0 || !redirect(log)) _exit(1);
    pipe.read.reset();
    const auto done = serve([&pipe](const std::string& words) {
      (void)os::write_all(pipe.write.get(), words + "\n");  // nobody listens: nothing is lost
      pipe.write.reset();
    });
    if (!done && pipe.write) {
      (void)os::write_all(pipe.write.get(), api::error_json(done.error()) + "\n");  // as above
    }
    _exit(done ? 0 : 1);
  }
  pipe.write.reset();
  ECLUSE_ASSIGN(const auto words, read_message(pipe.read.get(), deadline));
  if (auto error = api::error_from_json(words)) return fail(std::move(*error));
  if (!words.empty()) return std::string(trim(words));
  return fail(
      ErrorKind::kInternal, "the daemon ended before it was ready",
      fmt::format("its log {} ends with:\n{}", log_path.string(), last_lines(log_path, 10)));
}

Result<void> notify_init(const std::string& notify_socket, const std::string& message) {
  if (notify_socket.empty()) return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (notify_socket.size() >= sizeof address.sun_path) {
    return fail(ErrorKind::kInvalid, "$NOTIFY_SOCKET is too long");
  }
  std::memcpy(address.sun_path, notify_socket.data(), notify_socket.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + notify_socket.size());
  const os::Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (sendto(fd.get(), message.data(), message.size(), MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&address), size) < 0) {
    return fail(from_errno(errno, "telling the init system on " + notify_socket));
  }
  return {};
}

Result<void> terminate(int pid, std::chrono::seconds deadline) {
  const os::Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return fail(from_errno(errno, fmt::format("process {}", pid)));
  if (syscall(SYS_pidfd_send_signal, process.get(), SIGTERM, nullptr, 0) != 0) {
    return fail(from_errno(errno, fmt::format("SIGTERM to process {}", pid)));
  }
  pollfd wait{process.get(), POLLIN, 0};
  const auto ms = std::chrono::milliseconds(deadline).count();
  if (poll(&wait, 1, static_cast<int>(ms)) > 0) return {};
  return fail(ErrorKind::kTimeout,
              fmt::format("process {} did not end within {}", pid, to_string(Duration(deadline))),
              "it is safe to kill it: whatever it had decided is stored");
}

std::string last_lines(const std::filesystem::path& file, std::size_t lines) {
  constexpr std::size_t kLogBytesMax = 16 << 20;
  const auto text = os::read_file(file, kLogBytesMax);
  if (!text) return text.error().message;
  auto all = split(trim(*text), '\n');
  if (all.size() > lines) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(lines));
  return join(all, "\n");
}

}  // namespace ecluse::cli
