#include "runtime/process/namespace_thread.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>

#include <cerrno>
#include <thread>

namespace ecluse::runtime {

namespace {
Result<os::Fd> open_namespace(const std::string& path) {
  os::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(from_errno(errno, "open network namespace"));
  return fd;
}

/// Namespaces belong to threads: this one dies with its own.
template <typename Work>
auto on_own_thread(Work&& work) {
  decltype(work()) result;
  std::thread([&] { result = work(); }).join();
  return result;
}
}  // namespace

Result<os::Fd> new_network_namespace() {
  return on_own_thread([]() -> Result<os::Fd> {
    if (::unshare(CLONE_NEWNET) != 0) return fail(from_errno(errno, "make a network namespace"));
    return open_namespace("/proc/thread-self/ns/net");
  });
}

Result<os::Fd> network_namespace_of(int pid) {
  return open_namespace(fmt::format("/proc/{}/ns/net", pid));
}

Result<void> inside(int netns_fd, const std::function<Result<void>()>& work) {
  return on_own_thread([&]() -> Result<void> {
    if (::setns(netns_fd, CLONE_NEWNET) != 0) {
      return fail(from_errno(errno, "enter the network namespace"));
    }
    return work();
  });
}

}  // namespace ecluse::runtime
