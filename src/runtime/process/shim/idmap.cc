#include "runtime/process/shim/idmap.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/fd.h"
#include "runtime/process/shim/failure.h"
#include "runtime/process/shim/small_file.h"

namespace ecluse::shim {

namespace {
/// A process that only holds a user namespace open while we take hold of it.
class NamespaceHolder {
 public:
  NamespaceHolder() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    ready_.reset(ends[0]);
    pid_ = ::fork();
    if (pid_ != 0) {
      ::close(ends[1]);
      return;
    }
    const char made = ::unshare(CLONE_NEWUSER) == 0 ? '1' : '0';
    (void)!::write(ends[1], &made, 1);  // without an answer the parent sees the end of the pipe
    for (;;) ::pause();
  }
  ~NamespaceHolder() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  bool ready() const {
    char made = '0';
    return pid_ > 0 && ::read(ready_.get(), &made, 1) == 1 && made == '1';
  }
  std::string file(const char* name) const { return "/proc/" + std::to_string(pid_) + "/" + name; }

 private:
  os::Fd ready_;
  pid_t pid_ = -1;
};

Result<os::Fd> user_namespace_for(uid_t uid) {
  const NamespaceHolder holder;
  if (!holder.ready()) return failed("make a user namespace");
  const std::string map = "0 " + std::to_string(uid) + " 1";
  ECLUSE_TRY(put(holder.file("uid_map"), map));
  ECLUSE_TRY(put(holder.file("gid_map"), map));
  os::Fd fd(::open(holder.file("ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return failed("open the user namespace");
  return fd;
}
}  // namespace

Result<void> mount_as(uid_t uid, const std::string& source, const std::string& target) {
  ECLUSE_ASSIGN(const os::Fd users, user_namespace_for(uid));
  const os::Fd tree(::open_tree(AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree) return failed("open " + source);
  struct mount_attr attr{};
  attr.attr_set = MOUNT_ATTR_IDMAP;
  attr.userns_fd = static_cast<unsigned long long>(users.get());
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attr, sizeof attr) != 0) {
    return failed("give " + source + " another owner");
  }
  if (::move_mount(tree.get(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    return failed("mount " + source + " at " + target);
  }
  return {};
}

}  // namespace ecluse::shim
