// The shim: one small process per instance, which lives on when the control plane does not.
//   ecluse-shim FOLDER RUN_FOLDER READY_FD NETNS_FD [PID START_TICKS STARTS]
// READY_FD is told "ok" or what went wrong; NETNS_FD is the network to be in, -1: stay. The last
// three name an app that outlived an earlier shim.

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "runtime/process/shim/failure.h"
#include "runtime/process/shim/small_file.h"
#include "runtime/process/shim/supervisor.h"

namespace ecluse::shim {

namespace {
struct Call {
  std::string folder;
  std::string run_folder;
  int ready_fd = -1;
  int netns_fd = -1;
  std::optional<Adoption> adoption;
};

Call call_of(int argc, char** argv) {
  Call call{argv[1], argv[2], std::atoi(argv[3]), std::atoi(argv[4]), {}};
  if (argc >= 8) {
    call.adoption = Adoption{std::atoi(argv[5]), std::strtoull(argv[6], nullptr, 10),
                             static_cast<std::uint32_t>(std::atoi(argv[7]))};
  }
  return call;
}

void become_quiet() {
  ::prctl(PR_SET_NAME, "ecluse-shim");
  // Orphans of the app come to us, so that we can end them.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::umask(077);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
}

/// Two shims for one instance would start the app twice. The lock is held until we exit.
Result<void> be_the_only_one(const std::string& folder) {
  const int fd = ::open((folder + "/shim.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return failed("open " + folder + "/shim.lock");
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return failed("another shim serves " + folder);
  return {};
}

Result<void> enter_network(int fd) {
  if (fd < 0) return {};
  if (::setns(fd, CLONE_NEWNET) != 0) return failed("enter the network namespace");
  ::close(fd);
  return {};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> entries;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\0', at);
    entries.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return entries;
}

std::string name_of(const std::string& entry) {
  return entry.substr(0, entry.find('=') + 1);
}

std::vector<std::string> merged(std::vector<std::string> env,
                                const std::vector<std::string>& more) {
  for (const auto& entry : more) {
    std::erase_if(env, [&](const std::string& e) { return e.starts_with(name_of(entry)); });
    env.push_back(entry);
  }
  return env;
}

Result<Supervisor> prepare(const Call& call) {
  become_quiet();
  ECLUSE_TRY(be_the_only_one(call.folder));
  ECLUSE_TRY(enter_network(call.netns_fd));
  ECLUSE_ASSIGN(const std::string text, read_small(call.folder + "/shim.conf"));
  ECLUSE_ASSIGN(Conf conf, parse_conf(text));
  ECLUSE_ASSIGN(const std::string env, read_small(call.folder + "/env"));
  if (!conf.shim_cgroup.empty()) ECLUSE_TRY(put(conf.shim_cgroup + "/cgroup.procs", "0"));
  auto whole = merged(lines_of(env), conf.env);
  return Supervisor(std::move(conf), std::move(whole), call.folder);
}

void report_ready(int fd, const Result<void>& result) {
  const std::string text = result ? "ok"
                                  : static_cast<char>('0' + static_cast<int>(result.error().kind)) +
                                        result.error().message;
  (void)!::write(fd, text.data(), text.size());  // the runtime may have died meanwhile
  ::close(fd);
}

int serve(const Call& call) {
  auto supervisor = prepare(call);
  if (!supervisor) {
    report_ready(call.ready_fd, fail(supervisor.error()));
    return 1;
  }
  const auto begun = supervisor->begin(call.run_folder, call.adoption);
  report_ready(call.ready_fd, begun);
  if (!begun) return 1;
  supervisor->run();
  return 0;
}
}  // namespace

}  // namespace ecluse::shim

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  return ecluse::shim::serve(ecluse::shim::call_of(argc, argv));
}
