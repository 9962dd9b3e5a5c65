#include "runtime/process/launch_file.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "os/file.h"

namespace ecluse::runtime {

namespace {
using Json = nlohmann::json;
constexpr std::size_t kFileBytesMax = 16 << 20;

Json mounts_json(const std::vector<ports::Mount>& mounts) {
  Json list = Json::array();
  for (const auto& mount : mounts) {
    list.push_back(
        {{"source", mount.source}, {"target", mount.target}, {"writable", mount.writable}});
  }
  return list;
}

std::vector<ports::Mount> mounts_of(const Json& list) {
  std::vector<ports::Mount> mounts;
  for (const auto& entry : list) {
    mounts.push_back(
        {entry.value("source", ""), entry.value("target", ""), entry.value("writable", false)});
  }
  return mounts;
}

Json to_json(const StoredLaunch& stored) {
  const ports::Launch& l = stored.launch;
  Json json = {{"id", l.id},
               {"app", l.app},
               {"environment", l.environment},
               {"owner", l.owner},
               {"artifact_path", l.artifact_path},
               {"layer_path", l.layer_path},
               {"layer_writable", l.layer_writable},
               {"workdir", l.workdir},
               {"argv", l.argv},
               {"mounts", mounts_json(l.mounts)},
               {"user", l.user},
               {"memory_bytes_max", l.limits.memory_bytes_max},
               {"cpus", l.limits.cpus},
               {"pids_max", l.limits.pids_max},
               {"stop_signal", static_cast<int>(l.stop_signal)},
               {"stop_scope", static_cast<int>(l.stop_scope)},
               {"stop_grace_ms", l.stop_grace.count()},
               {"restart", l.restart},
               {"oom_score_adj", l.oom_score_adj},
               {"is_job", stored.is_job},
               {"timeout_ms", stored.timeout.count()},
               {"given_port", stored.port},
               {"given_address", stored.address}};
  if (l.port) json["port"] = *l.port;
  return json;
}

ports::Launch launch_of(const Json& json) {
  ports::Launch l;
  l.id = json.value("id", "");
  l.app = json.value("app", "");
  l.environment = json.value("environment", "");
  l.owner = json.value("owner", "");
  l.artifact_path = json.value("artifact_path", "");
  l.layer_path = json.value("layer_path", "");
  l.layer_writable = json.value("layer_writable", false);
  l.workdir = json.value("workdir", "/app");
  l.argv = json.value("argv", std::vector<std::string>{});
  l.mounts = mounts_of(json.value("mounts", Json::array()));
  l.user = json.value("user", "");
  l.limits.memory_bytes_max = json.value("memory_bytes_max", std::uint64_t{0});
  l.limits.cpus = json.value("cpus", 1.0);
  l.limits.pids_max = json.value("pids_max", 0U);
  l.stop_signal = static_cast<ports::StopSignal>(json.value("stop_signal", 0));
  l.stop_scope = static_cast<ports::StopScope>(json.value("stop_scope", 0));
  l.stop_grace = Duration(json.value("stop_grace_ms", std::int64_t{0}));
  l.restart = json.value("restart", true);
  l.oom_score_adj = json.value("oom_score_adj", 0);
  if (json.contains("port")) l.port = json["port"].get<std::uint16_t>();
  return l;
}

/// NAME=VALUE, each ended by a zero byte, as the kernel itself keeps them.
std::string env_bytes(const std::map<std::string, std::string>& env) {
  std::string bytes;
  for (const auto& [name, value] : env) {
    bytes += name + "=" + value;
    bytes += '\0';
  }
  return bytes;
}

std::map<std::string, std::string> env_of(const std::string& bytes) {
  std::map<std::string, std::string> env;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = bytes.find('\0', at);
    const std::string entry = bytes.substr(at, end - at);
    const std::size_t equals = entry.find('=');
    env[entry.substr(0, equals)] = entry.substr(equals + 1);
    at = end == std::string::npos ? bytes.size() : end + 1;
  }
  return env;
}
}  // namespace

Result<void> write_launch(const std::filesystem::path& folder, const StoredLaunch& stored) {
  ECLUSE_TRY(os::replace_file(folder / "env", env_bytes(stored.launch.env), 0600));
  return os::replace_file(folder / "launch.json", to_json(stored).dump(1) + "\n", 0600);
}

Result<StoredLaunch> read_launch(const std::filesystem::path& folder) {
  ECLUSE_ASSIGN(const std::string text, os::read_file(folder / "launch.json", kFileBytesMax));
  ECLUSE_ASSIGN(const std::string env, os::read_file(folder / "env", kFileBytesMax));
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return fail(ErrorKind::kInvalid, fmt::format("{}/launch.json is damaged", folder.string()));
  }
  StoredLaunch stored{launch_of(json), json.value("is_job", false),
                      Duration(json.value("timeout_ms", std::int64_t{0})),
                      json.value("given_port", std::uint16_t{0}), json.value("given_address", "")};
  stored.launch.env = env_of(env);
  return stored;
}

}  // namespace ecluse::runtime
