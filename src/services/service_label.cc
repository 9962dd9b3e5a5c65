#include "services/service_label.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "os/file.h"

namespace ecluse::services {

namespace {
using model::ServiceKind;
using nlohmann::json;

constexpr std::size_t kFileBytesMax = 4096;
constexpr ServiceKind kKinds[] = {ServiceKind::kPostgres, ServiceKind::kRedis,
                                  ServiceKind::kMariadb, ServiceKind::kMongodb};

std::optional<ServiceKind> kind_named(std::string_view name) {
  for (const auto kind : kKinds) {
    if (name_of(kind) == name) return kind;
  }
  return std::nullopt;
}

std::filesystem::path file_in(const std::filesystem::path& folder) {
  return folder / "label.json";
}

std::optional<ServiceLabel> parse(const std::string& text) {
  try {
    const json parsed = json::parse(text);
    const auto kind = kind_named(parsed.at("kind").get<std::string>());
    if (!kind) return std::nullopt;
    return ServiceLabel{
        *kind, parsed.at("major").get<std::string>(), parsed.at("port").get<std::uint16_t>(),
        parsed.at("attempt").get<std::uint32_t>(), parsed.at("initialised").get<bool>()};
  } catch (const json::exception&) {
    return std::nullopt;  // the caller names the file
  }
}
}  // namespace

std::string_view name_of(ServiceKind kind) {
  switch (kind) {
    case ServiceKind::kPostgres:
      return "postgres";
    case ServiceKind::kRedis:
      return "redis";
    case ServiceKind::kMariadb:
      return "mariadb";
    case ServiceKind::kMongodb:
      return "mongodb";
  }
  return "service";
}

Result<std::optional<ServiceLabel>> read_label(const std::filesystem::path& folder) {
  const auto text = os::read_file(file_in(folder), kFileBytesMax);
  if (!text && text.error().kind == ErrorKind::kNotFound) return std::nullopt;
  if (!text) return fail(text.error());
  const auto label = parse(*text);
  if (label) return label;
  return fail(ErrorKind::kInternal, fmt::format("{} is damaged", file_in(folder).string()),
              "nothing was written to it; restore it from a backup: it says which engine made the "
              "data beside it");
}

Result<void> write_label(const std::filesystem::path& folder, const ServiceLabel& label) {
  const json text = {
      {"format", 1},        {"kind", name_of(label.kind)}, {"major", label.major},
      {"port", label.port}, {"attempt", label.attempt},    {"initialised", label.initialised}};
  return os::replace_file(file_in(folder), text.dump(2) + "\n", 0600);
}

}  // namespace ecluse::services
