#include "artifact/cage.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "artifact/sandbox.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/file.h"

namespace ecluse::artifact {

namespace fs = std::filesystem;

namespace {
const fs::path kGroups = "/sys/fs/cgroup";
constexpr std::string_view kPrefix = "ecluse-build-";
std::atomic<unsigned> cages_made{0};

/// Control files are written in place: they cannot be replaced.
Result<void> write_control(const fs::path& file, const std::string& value) {
  const os::Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return fail(from_errno(errno, fmt::format("open {}", file.string())));
  if (auto written = os::write_all(fd.get(), value); !written) {
    return fail(in_context(file.string(), std::move(written).error()));
  }
  return {};
}

std::string name_of_next() {
  return fmt::format("{}{}-{}", kPrefix, ::getpid(), cages_made.fetch_add(1));
}

/// False when it still holds a process.
bool remove_group(const fs::path& group) {
  // The kernel lets go of an ended process a moment after it was reaped: ask again for that moment.
  constexpr int kAttempts = 200;
  for (int i = 0; i < kAttempts; ++i) {
    if (::rmdir(group.c_str()) == 0 || errno == ENOENT) return true;
    if (errno != EBUSY) return false;
    ::usleep(1000);
  }
  return false;
}

/// Of a builder that is gone; ours have names yet to come when this is asked at the start.
bool is_dead(const std::string& name) {
  if (!name.starts_with(kPrefix)) return false;
  const int builder = std::atoi(name.c_str() + kPrefix.size());
  const bool alive = ::kill(builder, 0) == 0 || errno == EPERM;
  return builder > 0 && (!alive || (builder == ::getpid() && cages_made == 0));
}

void kill_all_in(const fs::path& group) {
  const auto processes = os::read_file(group / "cgroup.procs", 1 << 20);
  if (!processes) return;  // gone meanwhile; the removal will tell
  for (const std::string& process : split(*processes, '\n')) {
    if (const int pid = std::atoi(process.c_str()); pid > 0) ::kill(pid, SIGKILL);
  }
}
}  // namespace

Cage::Cage(const SandboxBounds& bounds) {
  const std::string name = name_of_next();
  const std::string memory = std::to_string(bounds.memory_bytes_max);
  const std::string pids = std::to_string(bounds.pids_max);
  // A missing controller is no error: the limits per process still hold, and doctor says so.
  if (fs::exists(kGroups / "cgroup.controllers")) {
    (void)write_control(kGroups / "cgroup.subtree_control", "+memory +pids");
    add(kGroups / name);
    if (groups_.empty()) return;
    (void)write_control(groups_[0] / "memory.max", memory);
    (void)write_control(groups_[0] / "memory.swap.max", "0");
    (void)write_control(groups_[0] / "pids.max", pids);
    oom_file_ = groups_[0] / "memory.events";
    return;
  }
  add(kGroups / "memory" / name);
  if (!groups_.empty()) {
    (void)write_control(groups_[0] / "memory.limit_in_bytes", memory);
    oom_file_ = groups_[0] / "memory.oom_control";
  }
  add(kGroups / "pids" / name);
  if (!groups_.empty()) (void)write_control(groups_.back() / "pids.max", pids);
}

Cage::~Cage() {
  for (const fs::path& group : groups_) (void)remove_group(group);  // else clear_dead_cages() will
}

void Cage::add(const fs::path& group) {
  if (is_private() && ::mkdir(group.c_str(), 0755) == 0) groups_.push_back(group);
}

Result<void> Cage::admit(pid_t process) const {
  for (const fs::path& group : groups_) {
    ECLUSE_TRY(write_control(group / "cgroup.procs", std::to_string(process)));
  }
  return {};
}

bool Cage::ran_out_of_memory() const {
  if (oom_file_.empty()) return false;
  const auto text = os::read_file(oom_file_, 4096);
  if (!text) return false;
  for (const std::string& line : split(*text, '\n')) {
    if (line.starts_with("oom_kill ")) return line != "oom_kill 0";
  }
  return false;
}

Result<void> clear_dead_cages() {
  for (const fs::path& parent : {kGroups, kGroups / "memory", kGroups / "pids"}) {
    std::error_code error;
    std::vector<fs::path> dead;
    for (fs::directory_iterator at(parent, error), end; !error && at != end; at.increment(error)) {
      if (is_dead(at->path().filename())) dead.push_back(at->path());
    }
    for (const fs::path& group : dead) {
      kill_all_in(group);
      if (!remove_group(group)) return fail(from_errno(errno, "removing " + group.string()));
    }
  }
  return {};
}

}  // namespace ecluse::artifact
