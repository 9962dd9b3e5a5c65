#pragma once
// For tests of sites: a gateway under a control plane, and sites in front of recording apps.

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "gateway/testing.h"
#include "gateway/traffic_client.h"

namespace ecluse::gateway::testing {

inline const model::EnvironmentKey kKey{"lettings", "prod"};
inline constexpr std::uint32_t kAll = 1'000'000;

inline std::vector<std::string> arguments_of(const std::filesystem::path& folder,
                                             std::vector<std::string> more = {}) {
  std::vector<std::string> all{"--listen",  "127.0.0.1:0",
                               "--workers", "2",
                               "--folder",  (folder / "gateway").string(),
                               "--control", (folder / "gateway.sock").string()};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// A gateway with its folder, and the client that speaks to it.
struct Served {
  explicit Served(std::vector<std::string> more = {})
      : more_(more), gateway(std::make_unique<GatewayProcess>(arguments_of(folder.path(), more))) {}
  void restart() {
    gateway.reset();
    gateway = std::make_unique<GatewayProcess>(arguments_of(folder.path(), more_));
  }
  std::uint16_t port() const { return gateway->port(); }

  TemporaryFolder folder;
  std::vector<std::string> more_;
  std::unique_ptr<GatewayProcess> gateway;
  TrafficClient traffic{folder.path() / "gateway.sock", Duration(15'000)};
};

inline ports::Arm arm(model::ReleaseNumber release, std::uint32_t weight, const RecordingApp& app) {
  return {.release = release,
          .weight_ppm = weight,
          .backends = {{.process = "web",
                        .prefixes = {"/"},
                        .targets = {{.instance = fmt::format("i{}", release),
                                     .address = "127.0.0.1",
                                     .port = app.port()}}}}};
}
inline ports::Site site(std::vector<ports::Arm> arms) {
  return {.key = kKey, .hosts = {"a", "*.wild.example"}, .arms = std::move(arms)};
}

class Decisions {
 public:
  ports::Fence next(const std::string& rollout = "lettings/prod@1") {
    return {.term = 1, .rollout = rollout, .sequence = ++sequence_};
  }

 private:
  std::uint64_t sequence_ = 0;
};

inline std::string get(const std::string& host, const std::string& path = "/",
                       const std::string& fields = "") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n{}Connection: close\r\n\r\n", path, host,
                     fields);
}
inline std::string value_of(const std::string& answer, const std::string& name) {
  const std::size_t at = answer.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + name.size() + 4;
  return answer.substr(begin, answer.find("\r\n", begin) - begin);
}

}  // namespace ecluse::gateway::testing
