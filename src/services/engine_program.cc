#include "services/engine_program.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "os/subprocess.h"
#include "services/service_label.h"

namespace ecluse::services {

namespace {
namespace fs = std::filesystem;
using model::ServiceKind;

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 6 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<EngineProgram> installed_postgres(const fs::path& root) {
  std::vector<EngineProgram> found;
  std::error_code error;  // no such folder: none is installed
  for (const auto& entry : fs::directory_iterator(root, error)) {
    const auto major = entry.path().filename().string();
    const auto bin = entry.path() / "bin";
    if (is_number(major) && fs::exists(bin / "postgres", error)) found.push_back({major, bin});
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return std::stoi(a.major) > std::stoi(b.major); });
  return found;
}

/// "Redis server v=7.0.15 sha=..." to "7".
std::string redis_major(const std::string& version) {
  const auto begin = version.find("v=");
  if (begin == std::string::npos) return {};
  const auto rest = version.substr(begin + 2);
  return rest.substr(0, rest.find('.'));
}

std::vector<EngineProgram> installed_redis(const fs::path& program) {
  const auto version = os::output_of({.argv = {program.string(), "--version"}});
  if (!version) return {};  // not there, or not able to run: not installed as far as we care
  const auto major = redis_major(*version);
  if (!is_number(major)) return {};
  return {{major, program.parent_path()}};
}

std::string majors_of(const std::vector<EngineProgram>& programs) {
  std::vector<std::string> majors;
  for (const auto& one : programs) majors.push_back(one.major);
  return majors.empty() ? "none" : join(majors, ", ");
}

std::string package_of(ServiceKind kind, const std::string& major) {
  if (kind == ServiceKind::kRedis) return "redis-server";
  return major.empty() ? "postgresql" : "postgresql-" + major;
}
}  // namespace

std::vector<EngineProgram> installed_engines(ServiceKind kind, const EnginePlaces& places) {
  switch (kind) {
    case ServiceKind::kPostgres:
      return installed_postgres(places.postgres);
    case ServiceKind::kRedis:
      return installed_redis(places.redis_server);
    case ServiceKind::kMariadb:
    case ServiceKind::kMongodb:
      return {};
  }
  return {};
}

Result<EngineProgram> find_engine(ServiceKind kind, const std::string& major,
                                  const EnginePlaces& places) {
  const auto installed = installed_engines(kind, places);
  for (const auto& one : installed) {
    if (major.empty() || one.major == major) return one;
  }
  return fail(ErrorKind::kRefused,
              fmt::format("{}{}{} is not installed (found: {})", name_of(kind),
                          major.empty() ? "" : " ", major, majors_of(installed)),
              fmt::format("apt install {}; what it starts by itself ecluse does not need",
                          package_of(kind, major)));
}

}  // namespace ecluse::services
