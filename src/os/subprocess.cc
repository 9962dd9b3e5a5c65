#include "os/subprocess.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "os/fd.h"

extern char** environ;

namespace ecluse::os {

namespace {
using Clock = std::chrono::steady_clock;

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(from_errno(errno, "pipe"));
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

std::vector<std::string> environment_of(const Command& command) {
  std::map<std::string, std::string> merged = command.env;
  for (char** entry = environ; !command.clean_env && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    merged.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  std::vector<std::string> lines;
  for (const auto& [name, value] : merged) lines.push_back(name + "=" + value);
  return lines;
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (auto& s : strings) pointers.push_back(s.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Only async-signal-safe calls: we are between fork and exec of a process with threads.
[[noreturn]] void become(const Command& command, char** argv, char** envp, int in, int out,
                         int err) {
  ::setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0) ::_exit(127);
  ::syscall(SYS_close_range, 3U, ~0U, 0U);
  if (!command.folder.empty() && ::chdir(command.folder.c_str()) != 0) {
    const char* reason = "cannot enter the working folder\n";
    (void)!::write(2, reason, std::strlen(reason));
    ::_exit(127);
  }
  ::execvpe(argv[0], argv, envp);
  const char* reason = std::strerror(errno);
  (void)!::write(2, reason, std::strlen(reason));
  ::_exit(127);
}

struct Stream {
  Fd fd;
  std::string* text;
};

void drain(Stream& stream, std::size_t bytes_max) {
  std::array<char, 65536> chunk{};
  const ssize_t n = ::read(stream.fd.get(), chunk.data(), chunk.size());
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n <= 0) return stream.fd.reset();
  const std::size_t room = bytes_max - std::min(bytes_max, stream.text->size());
  stream.text->append(chunk.data(), std::min(room, static_cast<std::size_t>(n)));
}

void feed(Fd& in, std::string_view& input) {
  const ssize_t n = ::write(in.get(), input.data(), input.size());
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n < 0) return in.reset();  // the program does not read its input; its exit code will tell
  input.remove_prefix(static_cast<std::size_t>(n));
  if (input.empty()) in.reset();
}

/// Moves bytes until both outputs are closed; false when `deadline` came first.
bool exchange(Fd in, std::string_view input, std::array<Stream, 2>& outputs, std::size_t bytes_max,
              Clock::time_point deadline) {
  if (input.empty()) in.reset();
  while (outputs[0].fd || outputs[1].fd) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    std::array<pollfd, 3> polled{{{outputs[0].fd.get(), POLLIN, 0},
                                  {outputs[1].fd.get(), POLLIN, 0},
                                  {in.get(), POLLOUT, 0}}};
    ::poll(polled.data(), polled.size(), static_cast<int>(std::min<long>(left.count(), 60'000)));
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (polled[i].revents != 0) drain(outputs[i], bytes_max);
    }
    if (in && polled[2].revents != 0) feed(in, input);
  }
  return true;
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::string last_lines(std::string_view text, std::size_t count) {
  auto lines = split(trim(text), '\n');
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<long>(count));
  return join(lines, "; ");
}
}  // namespace

Result<Finished> run(const Command& command) {
  ECLUSE_ASSIGN(Pipe in, make_pipe());
  ECLUSE_ASSIGN(Pipe out, make_pipe());
  ECLUSE_ASSIGN(Pipe err, make_pipe());
  auto argv_strings = command.argv;
  auto env_strings = environment_of(command);
  auto argv = pointers_to(argv_strings);
  auto envp = pointers_to(env_strings);

  const pid_t child = ::fork();
  if (child < 0) return fail(from_errno(errno, fmt::format("start {}", command.argv[0])));
  if (child == 0) {
    become(command, argv.data(), envp.data(), in.read.get(), out.write.get(), err.write.get());
  }
  in.read.reset();
  out.write.reset();
  err.write.reset();
  for (const int fd : {in.write.get(), out.read.get(), err.read.get()}) {
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }

  Finished finished;
  std::array<Stream, 2> outputs{
      {{std::move(out.read), &finished.out}, {std::move(err.read), &finished.err}}};
  const bool in_time = exchange(std::move(in.write), command.input, outputs,
                                command.output_bytes_max, Clock::now() + command.timeout);
  if (!in_time) ::kill(-child, SIGKILL);
  finished.exit_code = wait_for(child);
  if (!in_time) {
    return fail(ErrorKind::kTimeout, fmt::format("{} did not end within {} ms", command.argv[0],
                                                 command.timeout.count()));
  }
  return finished;
}

Result<std::string> output_of(const Command& command) {
  ECLUSE_ASSIGN(Finished finished, run(command));
  if (finished.exit_code == 0) return std::move(finished.out);
  const std::string said = last_lines(finished.err.empty() ? finished.out : finished.err, 5);
  const ErrorKind kind = finished.exit_code == 127 ? ErrorKind::kNotFound : ErrorKind::kInternal;
  return fail(kind, fmt::format("{} exited {}: {}", command.argv[0], finished.exit_code, said));
}

}  // namespace ecluse::os
