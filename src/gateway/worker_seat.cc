#include "gateway/worker_seat.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "gateway/shared_memory.h"

namespace ecluse::gateway {

Result<Rows> free_rows(const std::vector<Rows>& busy, std::uint32_t count) {
  for (std::uint32_t first = 0; first + count <= SharedMemory::kThreadsMax; ++first) {
    const bool is_free = std::ranges::none_of(busy, [&](const Rows& taken) {
      return first < taken.first + taken.count && taken.first < first + count;
    });
    if (is_free) return Rows{first, count};
  }
  return fail(ErrorKind::kExhausted,
              fmt::format("{} former worker processes still drain and hold the counters' rows",
                          busy.size()),
              "wait until they have ended");
}

Result<os::Fd> open_program(const std::string& path) {
  os::Fd program(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!program) return fail(from_errno(errno, fmt::format("open {}", path)));
  return program;
}

std::string path_of_program(const os::Fd& program) {
  return fmt::format("/proc/self/fd/{}", program.get());
}

/// Everything that fork() may not do after it is made before it.
Result<WorkerSeat> start_worker(const os::Fd& program, const std::vector<std::string>& arguments) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return fail(from_errno(errno, "socketpair"));
  }
  WorkerSeat seat;
  seat.channel.reset(pair[0]);
  const os::Fd theirs(pair[1]);
  const std::string path = path_of_program(program);
  std::vector<std::string> words = {"ecluse"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  words.insert(words.end(), {"--worker-fd", std::to_string(theirs.get())});
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  sigset_t none;
  sigemptyset(&none);
  seat.pid = ::fork();
  if (seat.pid < 0) return fail(from_errno(errno, "fork"));
  if (seat.pid == 0) {
    (void)::fcntl(theirs.get(), F_SETFD, 0);
    (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execv(path.c_str(), argv.data());
    ::_exit(127);  // the keeper sees it as a quick death
  }
  seat.spawned_at = std::chrono::steady_clock::now();
  return seat;
}

}  // namespace ecluse::gateway
