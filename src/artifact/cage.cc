#include "artifact/cage.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "artifact/sandbox.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/file.h"

namespace ecluse::artifact {

namespace fs = std::filesystem;

namespace {
const fs::path kGroups = "/sys/fs/cgroup";
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
  return fmt::format("ecluse-build-{}-{}", ::getpid(), cages_made.fetch_add(1));
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
  // The kernel lets go of an ended process a moment after it was reaped: ask again for that moment.
  constexpr int kAttempts = 200;
  for (const fs::path& group : groups_) {
    for (int i = 0; i < kAttempts && ::rmdir(group.c_str()) != 0 && errno == EBUSY; ++i) {
      ::usleep(1000);
    }
  }
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

}  // namespace ecluse::artifact
