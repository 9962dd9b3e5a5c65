#include "runtime/process/shim/group.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

#include "runtime/process/shim/process_id.h"
#include "runtime/process/shim/small_file.h"

namespace ecluse::shim {

namespace {
bool descends_from(pid_t pid, pid_t ancestor, const std::map<pid_t, ProcessStat>& all) {
  for (int depth = 0; depth < 1000; ++depth) {
    const auto found = all.find(pid);
    if (found == all.end()) return false;
    if (found->second.parent == ancestor) return true;
    pid = found->second.parent;
  }
  return false;
}

std::map<pid_t, ProcessStat> all_processes() {
  std::map<pid_t, ProcessStat> all;
  for (const auto& name : names_in("/proc")) {
    const pid_t pid = std::atoi(name.c_str());
    if (pid <= 0) continue;
    if (const ProcessStat stat = stat_of(pid); stat.start_ticks != 0) all[pid] = stat;
  }
  return all;
}

std::vector<pid_t> relatives(pid_t leader) {
  std::vector<pid_t> pids;
  const auto all = all_processes();
  for (const auto& [pid, stat] : all) {
    if (stat.state == 'Z' || pid == ::getpid()) continue;
    const bool in_session = leader > 0 && stat.session == leader;
    if (in_session || descends_from(pid, ::getpid(), all)) pids.push_back(pid);
  }
  return pids;
}
}  // namespace

std::vector<pid_t> Group::members() const {
  if (cgroup_.empty()) return relatives(leader_);
  std::vector<pid_t> alive;
  for (const pid_t pid : pids_in(cgroup_ + "/cgroup.procs")) {
    const ProcessStat stat = stat_of(pid);
    if (stat.start_ticks != 0 && stat.state != 'Z') alive.push_back(pid);
  }
  return alive;
}

void Group::signal(int number) const {
  for (const pid_t pid : members()) ::kill(pid, number);
}

void Group::kill() const {
  if (!cgroup_.empty() && put(cgroup_ + "/cgroup.kill", "1")) return;
  const std::string freezer = cgroup_ + "/freezer.state";
  const bool frozen = !cgroup_.empty() && put(freezer, "FROZEN");
  signal(SIGKILL);
  if (frozen) (void)put(freezer, "THAWED");  // the kernel offers no other way; kill() comes again
}

}  // namespace ecluse::shim
