// A newer program takes over: first the worker process, which proves that the program can serve,
// then the keeper, which becomes that same file and keeps its pid. No listening socket is ever
// closed.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "gateway/keeper.h"

namespace ecluse::gateway {

namespace {
constexpr std::chrono::seconds kHandOverMax{15};
}  // namespace

void Keeper::begin_hand_over(unsigned threads) {
  if (is_finishing_) return;
  if (stage_ != Stage::kNone || !state_.current.is_ready) {
    return log_warn("gateway: an upgrade was asked for while a worker process was starting");
  }
  if (auto begun = try_hand_over(threads); !begun) abandon_hand_over(begun.error().message);
}

Result<void> Keeper::try_hand_over(unsigned threads) {
  log_info("gateway: upgrading to {}", state_.program_path);
  ECLUSE_ASSIGN(next_program_, open_program(state_.program_path));
  next_threads_ = threads;
  stage_ = Stage::kPrepared;
  hand_over_by_ = Clock::now() + kHandOverMax;
  return spawn(next_program_, threads, next_);
}

/// The new process stands. Before it reads the table, the current one must have written its last.
void Keeper::next_is_prepared(const Message& message) {
  keeper_follows_ = message.port == KeeperState::kForm;
  stage_ = Stage::kQuiet;
  if (!state_.current) return let_next_serve();
  tell(state_.current, {.kind = Message::Kind::kQuiesce});
}

void Keeper::let_next_serve() {
  stage_ = Stage::kReady;
  if (auto told = let_serve(next_); !told) abandon_hand_over(told.error().message);
}

void Keeper::complete_hand_over() {
  stage_ = Stage::kNone;
  if (state_.current) {
    tell(state_.current, {.kind = Message::Kind::kHandOver});
    state_.leaving.push_back(std::move(state_.current));
  }
  state_.current = std::exchange(next_, {});
  state_.options.workers = next_threads_;
  ++state_.generation;
  quick_deaths_ = 0;
  program_ = std::move(next_program_);
  log_info("gateway: upgraded; process {} serves, what was open ends in the former one",
           state_.current.pid);
  if (keeper_follows_) return become_newer();
  log_warn("gateway: the keeper stays as it is, because the new version keeps its state otherwise");
}

void Keeper::abandon_hand_over(const std::string& why) {
  log_error("gateway: the upgrade to {} failed: {}; the former version serves on",
            state_.program_path, why);
  stage_ = Stage::kNone;
  if (next_) {
    (void)::kill(next_.pid, SIGKILL);  // fails only if it has ended
    // It holds rows of counters until it is gone.
    state_.leaving.push_back(std::exchange(next_, {}));
  }
  next_program_.reset();
  if (state_.current) tell(state_.current, {.kind = Message::Kind::kResume, .text = why});
}

/// Returns only if it failed, and then everything is as it was.
void Keeper::become_newer() {
  const os::Fd file(::memfd_create("ecluse-keeper", 0));
  const std::string text = keeper_text(state_);
  if (!file || !os::write_all(file.get(), text) || ::lseek(file.get(), 0, SEEK_SET) != 0) {
    return log_error("gateway: the keeper stays as it is: {}", std::strerror(errno));
  }
  std::string fd = std::to_string(file.get());
  const std::string path = path_of_program(program_);
  std::array<std::string, 4> words{"ecluse", "gateway", "--keeper-fd", fd};
  std::array<char*, 5> argv{words[0].data(), words[1].data(), words[2].data(), words[3].data()};
  set_inheritable(state_, true);
  ::execv(path.c_str(), argv.data());
  const int error = errno;
  set_inheritable(state_, false);
  log_error("gateway: the keeper stays as it is: {}", std::strerror(error));
}

}  // namespace ecluse::gateway
