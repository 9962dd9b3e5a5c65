#include "gateway/control_line.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <thread>

#include "gateway/site_json.h"

namespace ecluse::gateway {

namespace {
using nlohmann::json;
using Clock = std::chrono::steady_clock;

/// As os::write_all(), but a gateway that has gone is an error and no signal.
Result<void> send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(from_errno(errno, "speak to the gateway"));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::string> read_line(int fd) {
  std::string line;
  std::array<char, 65536> chunk{};
  while (!line.ends_with('\n')) {
    const ssize_t n = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(from_errno(errno, "wait for the gateway"));
    if (n == 0) return fail(ErrorKind::kUnavailable, "the gateway closed its control socket");
    line.append(chunk.data(), static_cast<std::size_t>(n));
  }
  return line;
}

Error unavailable(const std::filesystem::path& socket, const Error& cause) {
  return {ErrorKind::kUnavailable,
          fmt::format("the gateway does not answer on {}: {}", socket.string(), cause.message),
          "`ecluse status` says whether it runs"};
}
}  // namespace

ControlLine::ControlLine(std::filesystem::path socket, Duration patience)
    : socket_(std::move(socket)), patience_(patience) {}

Result<os::Fd> ControlLine::connection() {
  os::Fd idle = idle_.with([](std::vector<os::Fd>& all) {
    if (all.empty()) return os::Fd();
    os::Fd last = std::move(all.back());
    all.pop_back();
    return last;
  });
  if (idle) return idle;
  const std::string path = socket_.string();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(ErrorKind::kInvalid, fmt::format("the path {} is too long for a socket", path));
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  os::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail(from_errno(errno, "socket"));
  // Longer than the gateway itself waits for its disk or for an app's answer.
  const timeval timeout{20, 0};
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0) {
    return fail(from_errno(errno, "setsockopt SO_RCVTIMEO"));
  }
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(from_errno(errno, fmt::format("connect to {}", path)));
  }
  return fd;
}

Result<std::string> ControlLine::exchange(const std::string& line) {
  ECLUSE_ASSIGN(os::Fd fd, connection());
  ECLUSE_TRY(send_all(fd.get(), line));
  ECLUSE_ASSIGN(std::string reply, read_line(fd.get()));
  idle_.with([&](std::vector<os::Fd>& all) { all.push_back(std::move(fd)); });
  return reply;
}

/// Every operation is idempotent, so one that was cut off by the worker's death is said again.
Result<json> ControlLine::call(const json& request) {
  const std::string line = request.dump() + "\n";
  const auto deadline = Clock::now() + patience_;
  auto reply = exchange(line);
  while (!reply && Clock::now() < deadline) {
    idle_.with([](std::vector<os::Fd>& all) { all.clear(); });  // as old as the one that failed
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    reply = exchange(line);
  }
  if (!reply) return fail(unavailable(socket_, reply.error()));
  try {
    json parsed = json::parse(*reply);
    if (parsed.at("ok").get<bool>()) return parsed;
    return fail(error_from_json(parsed.at("error")));
  } catch (const json::exception& error) {
    return fail(ErrorKind::kInternal,
                fmt::format("the gateway's answer cannot be read: {}", error.what()));
  }
}

}  // namespace ecluse::gateway
