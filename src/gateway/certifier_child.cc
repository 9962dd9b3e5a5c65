#include "gateway/certifier_child.h"

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

#include "base/log.h"

namespace ecluse::gateway {

bool CertifierChild::is_running() {
  int status = 0;
  if (pid_ == 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return pid_ != 0;
  log_error("gateway: the certifier ended ({} {}); it is started again soon",
            WIFSIGNALED(status) ? "signal" : "exit code",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  pid_ = 0;
  return false;
}

void CertifierChild::keep_running(std::int64_t now_s) {
  constexpr std::int64_t kPauseS = 10;
  if (is_running() || (started_s_ != 0 && now_s - started_s_ < kPauseS)) return;
  started_s_ = now_s;
  start();
}

void CertifierChild::start() {
  std::array<std::string, 4> words{"ecluse", "gateway", "--certifier", folder_.string()};
  std::array<char*, 5> argv{};
  for (std::size_t i = 0; i < words.size(); ++i) argv[i] = words[i].data();
  const int failed = ::posix_spawn(&pid_, "/proc/self/exe", nullptr, nullptr, argv.data(), environ);
  if (failed == 0) return;
  pid_ = 0;
  log_error("gateway: start the certifier: {}", std::strerror(failed));
}

void CertifierChild::stop() {
  if (pid_ == 0) return;
  // It may be waiting for a server, for minutes; whatever it writes is replaced whole.
  (void)::kill(pid_, SIGKILL);  // fails only if it ended, and then waitpid() knows
  (void)::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

}  // namespace ecluse::gateway
