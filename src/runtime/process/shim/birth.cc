#include "runtime/process/shim/birth.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "os/fd.h"
#include "runtime/process/shim/failure.h"
#include "runtime/process/shim/small_file.h"
#include "runtime/process/shim/surroundings.h"

namespace ecluse::shim {

namespace {
Result<void> join_cgroups(const Conf& conf) {
  for (const auto& folder : conf.cgroups) ECLUSE_TRY(put(folder + "/cgroup.procs", "0"));
  return {};
}

Result<void> take_stdio(const std::string& output) {
  const int in = ::open("/dev/null", O_RDONLY);
  // Read and write: while the app itself holds a reading end, the death of its shim is no SIGPIPE.
  const int out = ::open(output.c_str(), O_RDWR);
  if (in < 0 || out < 0) return failed("open " + output);
  if (::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(out, 2) < 0) return failed("dup2");
  return {};
}

Result<void> drop_privileges(const Conf& conf) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("no_new_privs");
  if (!conf.uid) return {};
  for (int capability = 0; ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0;) ++capability;
  if (::setgroups(0, nullptr) != 0) return failed("setgroups");
  const uid_t uid = *conf.uid;
  if (::setresgid(uid, uid, uid) != 0) return failed("setresgid");
  // Leaving root this way also clears every capability that was left.
  if (::setresuid(uid, uid, uid) != 0) return failed("setresuid");
  return {};
}

void reset_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Root in a container may lack CAP_SYS_RESOURCE; a service that is less safe is better than none,
/// as long as its log and the doctor say so.
void stand_before_oom_killer(int score) {
  if (score == 0) return;
  const auto set = put("/proc/self/oom_score_adj", std::to_string(score));
  if (set) return;
  const std::string note =
      "ecluse: not protected from the OOM killer: " + set.error().message + "\n";
  (void)!::write(2, note.data(), note.size());  // the log is where this belongs
}

Result<void> settle(const Conf& conf, const std::string& output) {
  ECLUSE_TRY(join_cgroups(conf));
  ::setsid();
  ::umask(022);  // places made for volumes must be passable for the app
  ECLUSE_TRY(take_stdio(output));
  stand_before_oom_killer(conf.oom_score_adj);
  if (conf.surroundings) ECLUSE_TRY(enter_surroundings(*conf.surroundings, conf.uid.value_or(0)));
  ::umask(027);
  const struct rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ECLUSE_TRY(drop_privileges(conf));
  if (::chdir(conf.workdir.c_str()) != 0) return failed("enter " + conf.workdir);
  reset_signals();
  return {};
}

std::string_view path_of(const std::vector<std::string>& env) {
  for (const std::string_view line : env) {
    if (line.starts_with("PATH=")) return line.substr(5);
  }
  return "/usr/local/bin:/usr/bin:/bin";
}

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const auto& s : strings) pointers.push_back(const_cast<char*>(s.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// Tries each folder of the app's own PATH; the most telling failure wins over "not found".
Error exec_app(const Conf& conf, const std::vector<std::string>& env) {
  const std::string& name = conf.argv[0];
  const auto argv = pointers_to(conf.argv);
  const auto envp = pointers_to(env);
  std::string_view folders = name.find('/') == std::string::npos ? path_of(env) : "";
  const std::string searched(folders);
  int reason = ENOENT;
  for (;;) {
    const std::string_view folder = folders.substr(0, folders.find(':'));
    const std::string program = folder.empty() ? name : std::string(folder) + "/" + name;
    ::execve(program.c_str(), argv.data(), envp.data());
    if (errno != ENOENT && errno != ENOTDIR) reason = errno;
    if (folder.size() == folders.size()) break;
    folders.remove_prefix(folder.size() + 1);
  }
  const std::string where = searched.empty() ? " in " + conf.workdir : " in " + searched;
  if (reason == ENOENT) return {ErrorKind::kNotFound, "exec " + name + ": not found" + where, {}};
  errno = reason;
  return failed("exec " + name).value();
}

[[noreturn]] void be_app(const Conf& conf, const std::vector<std::string>& env,
                         const std::string& output, int report) {
  Error error;
  if (auto settled = settle(conf, output); !settled) {
    error = settled.error();
  } else {
    ::syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC: `report` lives until exec */);
    error = exec_app(conf, env);
  }
  const std::string text = static_cast<char>('0' + static_cast<int>(error.kind)) + error.message;
  (void)!::write(report, text.data(), text.size());  // nobody is left to tell if this fails
  ::_exit(127);
}

/// Empty when exec happened: it closes the pipe.
std::string hear(int fd) {
  std::string text;
  char chunk[512];
  for (;;) {
    const ssize_t n = ::read(fd, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(chunk, static_cast<std::size_t>(n));
  }
}
}  // namespace

Result<pid_t> start_app(const Conf& conf, const std::vector<std::string>& env,
                        const std::string& output) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return failed("pipe");
  const os::Fd read_end(ends[0]);
  os::Fd write_end(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return failed("fork");
  if (child == 0) be_app(conf, env, output, write_end.get());
  write_end.reset();
  const std::string report = hear(read_end.get());
  if (report.empty()) return child;
  ::waitpid(child, nullptr, 0);
  return fail(static_cast<ErrorKind>(report[0] - '0'), report.substr(1));
}

}  // namespace ecluse::shim
