#include "gateway/kernel_features.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "os/fd.h"

namespace ecluse::gateway {

namespace {
struct Ends {
  os::Fd one;
  os::Fd other;
};

Ends connected_sockets() {
  std::array<int, 2> ends{-1, -1};
  (void)::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data());  // -1: the probe fails
  return {os::Fd(ends[0]), os::Fd(ends[1])};
}

bool has_reuse_port() {
  const os::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  return fd && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
}

bool has_splice() {
  const Ends sockets = connected_sockets();
  std::array<int, 2> ends{-1, -1};
  if (!sockets.one || ::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  const os::Fd out(ends[0]);
  const os::Fd in(ends[1]);
  return ::write(sockets.one.get(), "x", 1) == 1 &&
         ::splice(sockets.other.get(), nullptr, in.get(), nullptr, 1, 0) == 1;
}

bool has_send_file() {
  const Ends sockets = connected_sockets();
  const os::Fd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  return sockets.one && file && ::sendfile(sockets.one.get(), file.get(), nullptr, 1) == 1;
}

bool has_open_beneath() {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const os::Fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const os::Fd found(static_cast<int>(::syscall(SYS_openat2, root.get(), ".", &how, sizeof how)));
  return static_cast<bool>(found);
}
}  // namespace

KernelFeatures probe_kernel_features() {
  return {.reuse_port = has_reuse_port(),
          .splice = has_splice(),
          .send_file = has_send_file(),
          .open_beneath = has_open_beneath()};
}

const KernelFeatures& kernel_features() {
  static const KernelFeatures probed = probe_kernel_features();
  return probed;
}

std::string to_text(const KernelFeatures& features) {
  std::string has;
  std::string lacks;
  for (const KernelFeature& feature : kKernelFeatures) {
    if (features.*feature.has) {
      has += fmt::format("{}{}", has.empty() ? "" : ", ", feature.name);
    } else {
      lacks += fmt::format("; without {}: {}", feature.name, feature.instead);
    }
  }
  return (has.empty() ? "none" : has) + lacks;
}

}  // namespace ecluse::gateway
