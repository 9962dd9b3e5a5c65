#include "gateway/traffic_client.h"

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

json keyed(const char* op, const model::EnvironmentKey& key) {
  return {{"op", op}, {"app", key.app}, {"environment", key.environment}};
}

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

TrafficClient::TrafficClient(std::filesystem::path socket, Duration patience)
    : socket_(std::move(socket)), patience_(patience) {}

Result<os::Fd> TrafficClient::connection() {
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

Result<std::string> TrafficClient::exchange(const std::string& line) {
  ECLUSE_ASSIGN(os::Fd fd, connection());
  ECLUSE_TRY(send_all(fd.get(), line));
  ECLUSE_ASSIGN(std::string reply, read_line(fd.get()));
  idle_.with([&](std::vector<os::Fd>& all) { all.push_back(std::move(fd)); });
  return reply;
}

/// Every operation is idempotent, so one that was cut off by the worker's death is said again.
Result<json> TrafficClient::call(const json& request) {
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

Result<void> TrafficClient::apply(const ports::Site& site, const ports::Fence& fence) {
  ECLUSE_TRY(call({{"op", "apply"}, {"site", to_json(site)}, {"fence", to_json(fence)}}));
  return {};
}

Result<void> TrafficClient::abort(const ports::Site& site, model::ReleaseNumber aborted,
                                  const ports::Fence& fence) {
  ECLUSE_TRY(call(
      {{"op", "abort"}, {"site", to_json(site)}, {"aborted", aborted}, {"fence", to_json(fence)}}));
  return {};
}

Result<std::vector<model::ReleaseNumber>> TrafficClient::latched(const std::string& rollout) {
  ECLUSE_ASSIGN(const json reply, call({{"op", "latched"}, {"rollout", rollout}}));
  return reply.at("releases").get<std::vector<model::ReleaseNumber>>();
}

Result<void> TrafficClient::remove(const model::EnvironmentKey& key, const ports::Fence& fence) {
  json request = keyed("remove", key);
  request["fence"] = to_json(fence);
  ECLUSE_TRY(call(request));
  return {};
}

Result<std::vector<ports::Site>> TrafficClient::sites() {
  ECLUSE_ASSIGN(const json reply, call({{"op", "sites"}}));
  std::vector<ports::Site> sites;
  for (const json& site : reply.at("sites")) sites.push_back(site_from_json(site));
  return sites;
}

Result<void> TrafficClient::drain(const model::EnvironmentKey& key, model::ReleaseNumber release,
                                  Duration websocket_budget) {
  json request = keyed("drain", key);
  request["release"] = release;
  request["websocket_budget_ms"] = websocket_budget.count();
  ECLUSE_TRY(call(request));
  return {};
}

Result<ports::SiteCounters> TrafficClient::counters(const model::EnvironmentKey& key) {
  ECLUSE_ASSIGN(const json reply, call(keyed("counters", key)));
  return counters_from_json(reply.at("counters"));
}

Result<ports::Traffic::Answer> TrafficClient::ask(const model::EnvironmentKey& key,
                                                  model::ReleaseNumber release,
                                                  const std::string& path) {
  json request = keyed("ask", key);
  request["release"] = release;
  request["path"] = path;
  ECLUSE_ASSIGN(const json reply, call(request));
  return Answer{reply.at("release"), reply.at("status")};
}

}  // namespace ecluse::gateway
