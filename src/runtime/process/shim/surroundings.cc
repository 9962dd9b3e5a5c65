#include "runtime/process/shim/surroundings.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "runtime/process/shim/failure.h"
#include "runtime/process/shim/idmap.h"
#include "runtime/process/shim/small_file.h"

namespace ecluse::shim {

namespace {
/// Not taken from the host: they are made anew, or hold other apps' things.
const std::set<std::string>& private_folders() {
  static const std::set<std::string> names{"proc", "tmp", "run", "app", "etc", "lost+found"};
  return names;
}

Result<void> mount_at(const char* source, const std::string& target, const char* type,
                      unsigned long flags, const std::string& options) {
  if (::mount(source, target.c_str(), type, flags, options.c_str()) == 0) return {};
  return failed("mount " + std::string(type == nullptr ? source : type) + " at " + target);
}

Result<void> make_folders(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0755) != 0 && errno != EEXIST && errno != EROFS) {
      return failed("mkdir " + part);
    }
    if (slash == std::string::npos) return {};
  }
}

Result<void> make_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
  if (fd < 0) return failed("create " + path);
  ::close(fd);
  return {};
}

/// A read-only bind needs a second call: the first one ignores the flag.
Result<void> make_read_only(const std::string& target) {
  struct mount_attr attr{};
  attr.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if (::mount_setattr(-1, target.c_str(), AT_RECURSIVE, &attr, sizeof attr) == 0) return {};
  return failed("make " + target + " read-only");
}

Result<void> copy_link(const std::string& link, const std::string& copy) {
  char aim[4096];
  const ssize_t n = ::readlink(link.c_str(), aim, sizeof aim - 1);
  if (n < 0) return failed("readlink " + link);
  aim[n] = 0;
  if (::symlink(aim, copy.c_str()) != 0) return failed("symlink " + copy);
  return {};
}

Result<void> take_from_host(const std::string& name, const std::string& root) {
  const std::string source = "/" + name;
  struct stat info{};
  if (::lstat(source.c_str(), &info) != 0) return {};  // it went away while we listed
  if (S_ISLNK(info.st_mode)) return copy_link(source, root + source);
  if (!S_ISDIR(info.st_mode)) return {};
  ECLUSE_TRY(make_folders(root + source));
  return mount_at(source.c_str(), root + source, nullptr, MS_BIND | MS_REC, "");
}

Result<void> take_host(const std::string& root) {
  for (const auto& name : names_in("/")) {
    if (!private_folders().contains(name)) ECLUSE_TRY(take_from_host(name, root));
  }
  return {};
}

Result<void> mount_private(const std::string& root, const std::string& folder, const char* mode,
                           std::uint64_t bytes_max) {
  ECLUSE_TRY(make_folders(root + folder));
  return mount_at("ecluse", root + folder, "tmpfs", MS_NOSUID | MS_NODEV,
                  "mode=" + std::string(mode) + ",size=" + std::to_string(bytes_max));
}

Result<void> mount_scratch(const Surroundings& s) {
  ECLUSE_TRY(mount_private(s.root, "/tmp", "1777", s.tmp_bytes_max));
  ECLUSE_TRY(mount_private(s.root, "/run", "755", 1 << 20));
  ECLUSE_TRY(make_folders(s.root + "/run/lock"));
  if (::access((s.root + "/var/tmp").c_str(), F_OK) == 0) {
    ECLUSE_TRY(mount_at((s.root + "/tmp").c_str(), s.root + "/var/tmp", nullptr, MS_BIND, ""));
  }
  if (::access((s.root + "/dev/shm").c_str(), F_OK) == 0) {
    ECLUSE_TRY(mount_private(s.root, "/dev/shm", "1777", s.tmp_bytes_max));
  }
  return {};
}

Result<void> mount_proc(const std::string& root) {
  ECLUSE_TRY(make_folders(root + "/proc"));
  const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (mount_at("proc", root + "/proc", "proc", flags, "hidepid=2")) return {};
  // Inside some containers a fresh /proc is refused; the host's hides nothing but works.
  return mount_at("/proc", root + "/proc", nullptr, MS_BIND | MS_REC, "");
}

Result<void> mount_overlay(const std::string& target, const std::string& options) {
  ECLUSE_TRY(make_folders(target));
  if (options.empty()) return {};
  const bool writable = options.find("upperdir=") != std::string::npos;
  const unsigned long flags = MS_NOSUID | MS_NODEV | (writable ? 0 : MS_RDONLY);
  return mount_at("ecluse", target, "overlay", flags, options);
}

std::string replaced(std::string text, std::string_view from, const std::string& to) {
  const std::size_t at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

/// Where the kernel or the disk cannot change owners, the job may add files, but not write into
/// folders of the artifact: said in its log, not hidden.
std::string shown_lower(const Surroundings& s, uid_t uid) {
  const std::string place = s.root + "/.lower";
  auto shown = make_folders(place);
  if (shown) shown = mount_as(uid, s.app_lower, place);
  if (shown) return place;
  const std::string note =
      "ecluse: folders of the artifact stay root's: " + shown.error().message + "\n";
  (void)!::write(2, note.data(), note.size());  // the log is where this belongs
  return s.app_lower;
}

Result<void> mount_app(const Surroundings& s, uid_t uid) {
  const std::string target = s.root + "/app";
  if (s.app_lower.empty()) return mount_overlay(target, s.app_overlay);
  return mount_overlay(target, replaced(s.app_overlay, kLowerPlace, shown_lower(s, uid)));
}

Result<void> mount_bind(const std::string& root, const Bind& bind) {
  const std::string target = root + bind.target;
  struct stat info{};
  if (::stat(bind.source.c_str(), &info) != 0) return failed("volume " + bind.source);
  if (::access(target.c_str(), F_OK) != 0) {
    ECLUSE_TRY(make_folders(S_ISDIR(info.st_mode) ? target : target.substr(0, target.rfind('/'))));
    if (!S_ISDIR(info.st_mode)) ECLUSE_TRY(make_file(target));
  }
  ECLUSE_TRY(mount_at(bind.source.c_str(), target, nullptr, MS_BIND | MS_REC, ""));
  return bind.writable ? Result<void>{} : make_read_only(target);
}

Result<void> change_root(const std::string& root) {
  if (::chdir(root.c_str()) != 0) return failed("chdir " + root);
  // Both names are the same folder: the old root is stacked over the new one and then let go.
  if (::syscall(SYS_pivot_root, ".", ".") != 0) return failed("pivot_root");
  if (::umount2(".", MNT_DETACH) != 0) return failed("umount the host's root");
  if (::chdir("/") != 0) return failed("chdir /");
  return mount_at("ecluse", "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID, "");
}
}  // namespace

Result<void> enter_surroundings(const Surroundings& s, uid_t uid) {
  if (::unshare(CLONE_NEWNS | CLONE_NEWIPC) != 0) return failed("unshare mount namespace");
  ECLUSE_TRY(mount_at("none", "/", nullptr, MS_REC | MS_PRIVATE, ""));
  ECLUSE_TRY(mount_at("ecluse", s.root, "tmpfs", MS_NOSUID, "mode=755,size=1m"));
  ECLUSE_TRY(take_host(s.root));
  ECLUSE_TRY(mount_scratch(s));
  ECLUSE_TRY(mount_proc(s.root));
  ECLUSE_TRY(mount_overlay(s.root + "/etc", s.etc_overlay));
  ECLUSE_TRY(mount_app(s, uid));
  for (const Bind& bind : s.binds) ECLUSE_TRY(mount_bind(s.root, bind));
  return change_root(s.root);
}

}  // namespace ecluse::shim
