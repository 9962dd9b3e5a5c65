#include "runtime/process/shim_link.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "os/file.h"

namespace ecluse::runtime {

namespace {
using Json = nlohmann::json;
constexpr std::size_t kReportBytesMax = 1 << 16;

ports::InstanceState state_of(const std::string& name) {
  using ports::InstanceState;
  if (name == "running") return InstanceState::kRunning;
  if (name == "backing-off") return InstanceState::kBackingOff;
  if (name == "crash-looping") return InstanceState::kCrashLooping;
  if (name == "stopping") return InstanceState::kStopping;
  if (name == "stopped") return InstanceState::kStopped;
  return InstanceState::kStarting;
}
}  // namespace

Result<ShimReport> parse_report(const std::string& line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) {
    return fail(ErrorKind::kInvalid, "a shim's report is no JSON object: " + printable(line));
  }
  ShimReport report;
  report.event = json.value("event", "");
  report.state = state_of(json.value("state", ""));
  report.pid = json.value("pid", 0);
  report.pid_start = json.value("pid_start", std::uint64_t{0});
  report.shim_pid = json.value("shim_pid", 0);
  report.shim_start = json.value("shim_start", std::uint64_t{0});
  report.starts = json.value("starts", 0U);
  if (json.contains("last_exit") && json["last_exit"].is_number_integer()) {
    report.last_exit = json["last_exit"].get<int>();
  }
  report.timed_out = json.value("timed_out", false);
  report.done = json.value("done", false);
  report.boot = json.value("boot", "");
  report.error = json.value("error", "");
  return report;
}

Result<ShimReport> read_report(const std::filesystem::path& folder) {
  ECLUSE_ASSIGN(const std::string text, os::read_file(folder / "status.json", kReportBytesMax));
  return parse_report(text);
}

Result<ShimLink> ShimLink::connect(const std::filesystem::path& run_folder) {
  // By way of a descriptor: the folder's path may be longer than a socket's address can hold.
  const os::Fd folder(::open(run_folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return fail(from_errno(errno, "open " + run_folder.string()));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = fmt::format("/proc/self/fd/{}/shim.sock", folder.get());
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ShimLink link;
  link.fd_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(link.fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return fail(from_errno(errno, fmt::format("connect to {}/shim.sock", run_folder.string())));
  }
  return link;
}

Result<void> ShimLink::send(std::string_view word) {
  const std::string line = std::string(word) + "\n";
  if (::send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL) ==
      static_cast<ssize_t>(line.size())) {
    return {};
  }
  return fail(from_errno(errno, "talk to the shim"));
}

Result<std::optional<std::string>> ShimLink::receive(std::chrono::milliseconds timeout) {
  for (;;) {
    if (const std::size_t end = input_.find('\n'); end != std::string::npos) {
      std::optional<std::string> line = input_.substr(0, end);
      input_.erase(0, end + 1);
      return line;
    }
    pollfd ready{fd_.get(), POLLIN, 0};
    const int count = ::poll(&ready, 1, static_cast<int>(timeout.count()));
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) return std::optional<std::string>();
    char chunk[4096];
    const ssize_t n = ::recv(fd_.get(), chunk, sizeof chunk, 0);
    if (n <= 0) return fail(ErrorKind::kNotFound, "the shim has hung up");
    input_.append(chunk, static_cast<std::size_t>(n));
  }
}

}  // namespace ecluse::runtime
