#pragma once
// Every process of an instance: those of its cgroup, or without one the descendants of the shim and
// the members of the app's session.

#include <sys/types.h>

#include <string>
#include <vector>

namespace ecluse::shim {

class Group {
 public:
  /// `cgroup`: the folder to ask, with cgroup.kill (v2) or freezer.state (v1) in it; may be empty.
  explicit Group(std::string cgroup) : cgroup_(std::move(cgroup)) {}

  /// Without a cgroup, the session that the app leads.
  void lead_by(pid_t app) { leader_ = app; }
  std::vector<pid_t> members() const;
  bool empty() const { return members().empty(); }
  void signal(int number) const;
  /// SIGKILL to all of them at once, so that none can fork away from it. Does not wait.
  void kill() const;

 private:
  std::string cgroup_;
  pid_t leader_ = 0;
};

}  // namespace ecluse::shim
