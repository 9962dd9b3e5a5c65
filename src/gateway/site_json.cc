#include "gateway/site_json.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace ecluse::gateway {

namespace {
using nlohmann::json;

template <typename Enum>
struct Name {
  Enum value;
  std::string_view text;
};
constexpr auto kModes = std::to_array<Name<ports::SiteMode>>({
    {ports::SiteMode::kServe, "serve"},
    {ports::SiteMode::kHold, "hold"},
    {ports::SiteMode::kMaintenance, "maintenance"},
});
constexpr auto kKinds = std::to_array<Name<ErrorKind>>({
    {ErrorKind::kInvalid, "invalid"},
    {ErrorKind::kNotFound, "not_found"},
    {ErrorKind::kConflict, "conflict"},
    {ErrorKind::kRefused, "refused"},
    {ErrorKind::kUnavailable, "unavailable"},
    {ErrorKind::kTimeout, "timeout"},
    {ErrorKind::kExhausted, "exhausted"},
    {ErrorKind::kInternal, "internal"},
});

constexpr auto kTlsSources = std::to_array<Name<ports::SiteTls::Source>>({
    {ports::SiteTls::Source::kFiles, "files"},
    {ports::SiteTls::Source::kLocal, "local"},
    {ports::SiteTls::Source::kAcme, "acme"},
});

template <typename Table, typename Enum>
std::string text_of(const Table& table, Enum value) {
  return std::string(std::ranges::find(table, value, &Name<Enum>::value)->text);
}
template <typename Enum, typename Table>
Enum value_of(const Table& table, const std::string& text, Enum otherwise) {
  const auto found = std::ranges::find(table, text, &Name<Enum>::text);
  return found == table.end() ? otherwise : found->value;
}

json target_json(const ports::Target& target) {
  return {{"instance", target.instance},
          {"address", target.address},
          {"port", target.port},
          {"ready", target.ready}};
}
ports::Target target_of(const json& j) {
  return {j.at("instance"), j.at("address"), j.at("port"), j.value("ready", true)};
}

json backend_json(const ports::Backend& backend) {
  json targets = json::array();
  for (const auto& target : backend.targets) targets.push_back(target_json(target));
  return {{"process", backend.process},
          {"prefixes", backend.prefixes},
          {"targets", targets},
          {"affinity", backend.affinity},
          {"websockets", backend.websockets}};
}
ports::Backend backend_of(const json& j) {
  ports::Backend backend;
  backend.process = j.at("process");
  backend.prefixes = j.at("prefixes").get<std::vector<std::string>>();
  backend.affinity = j.value("affinity", false);
  backend.websockets = j.value("websockets", backend.websockets);
  for (const json& target : j.at("targets")) backend.targets.push_back(target_of(target));
  return backend;
}

json tls_json(const ports::SiteTls& tls) {
  return {{"source", text_of(kTlsSources, tls.source)},
          {"certificate", tls.certificate},
          {"key", tls.key},
          {"directory", tls.directory},
          {"contact", tls.contact},
          {"trusted", tls.trusted},
          {"redirect", tls.redirect},
          {"hsts_s", tls.hsts_s}};
}
ports::SiteTls tls_of(const json& j) {
  return {
      .source = value_of(kTlsSources, j.value("source", "local"), ports::SiteTls::Source::kLocal),
      .certificate = j.value("certificate", ""),
      .key = j.value("key", ""),
      .directory = j.value("directory", ""),
      .contact = j.value("contact", ""),
      .trusted = j.value("trusted", ""),
      .redirect = j.value("redirect", true),
      .hsts_s = j.value("hsts_s", 0U)};
}

json arm_json(const ports::Arm& arm) {
  json backends = json::array();
  for (const auto& backend : arm.backends) backends.push_back(backend_json(backend));
  json folders = json::array();
  for (const auto& folder : arm.folders) {
    folders.push_back({{"prefix", folder.prefix}, {"roots", folder.roots}});
  }
  return {{"release", arm.release},
          {"weight_ppm", arm.weight_ppm},
          {"backends", backends},
          {"folders", folders}};
}
ports::Arm arm_of(const json& j) {
  ports::Arm arm;
  arm.release = j.at("release");
  arm.weight_ppm = j.at("weight_ppm");
  for (const json& backend : j.at("backends")) arm.backends.push_back(backend_of(backend));
  for (const json& folder : j.value("folders", json::array())) {
    arm.folders.push_back(
        {folder.at("prefix"), folder.at("roots").get<std::vector<std::string>>()});
  }
  return arm;
}
}  // namespace

model::EnvironmentKey key_from_json(const json& j) {
  return {j.at("app"), j.at("environment")};
}

namespace {
json page_files_json(const std::map<std::string, ports::PageFile>& files) {
  json all = json::object();
  for (const auto& [name, page] : files) all[name] = {{"roots", page.roots}, {"file", page.file}};
  return all;
}

std::map<std::string, ports::PageFile> page_files_of(const json& j) {
  std::map<std::string, ports::PageFile> files;
  for (const auto& [name, page] : j.items()) {
    files[name] = {page.at("roots").get<std::vector<std::string>>(), page.at("file")};
  }
  return files;
}
}  // namespace

json to_json(const ports::Site& site) {
  json latency_bounds_ms = json::array();
  for (const Duration bound : site.latency_bounds) latency_bounds_ms.push_back(bound.count());
  json arms = json::array();
  for (const auto& arm : site.arms) arms.push_back(arm_json(arm));
  return {{"app", site.key.app},
          {"environment", site.key.environment},
          {"hosts", site.hosts},
          {"redirects", site.redirects},
          {"port", site.port ? json(*site.port) : json()},
          {"mode", text_of(kModes, site.mode)},
          {"arms", arms},
          {"sticky", site.sticky},
          {"cohort_salt", site.cohort_salt},
          {"show_release", site.show_release},
          {"basic_auth", site.basic_auth},
          {"allow", site.allow},
          {"latency_bounds_ms", latency_bounds_ms},
          {"health_paths", site.health_paths},
          {"pages", site.pages},
          {"page_files", page_files_json(site.page_files)},
          {"on_trial", site.on_trial ? json(*site.on_trial) : json()},
          {"tls", site.tls ? tls_json(*site.tls) : json()}};
}

ports::Site site_from_json(const json& j) {
  ports::Site site;
  site.key = key_from_json(j);
  site.hosts = j.at("hosts").get<std::vector<std::string>>();
  site.redirects = j.value("redirects", std::map<std::string, std::string>());
  if (j.contains("port") && !j.at("port").is_null()) site.port = j.at("port").get<std::uint16_t>();
  site.mode = value_of(kModes, j.value("mode", "serve"), ports::SiteMode::kServe);
  for (const json& arm : j.at("arms")) site.arms.push_back(arm_of(arm));
  if (j.contains("on_trial") && !j.at("on_trial").is_null()) site.on_trial = j.at("on_trial");
  site.sticky = j.value("sticky", false);
  site.cohort_salt = j.value("cohort_salt", "");
  site.show_release = j.value("show_release", true);
  site.basic_auth = j.value("basic_auth", "");
  site.allow = j.value("allow", std::vector<std::string>());
  for (const json& bound : j.value("latency_bounds_ms", json::array())) {
    site.latency_bounds.emplace_back(bound.get<Duration::rep>());
  }
  site.health_paths = j.value("health_paths", std::vector<std::string>());
  site.pages = j.value("pages", std::map<std::string, std::string>());
  site.page_files = page_files_of(j.value("page_files", json::object()));
  if (j.contains("tls") && !j.at("tls").is_null()) site.tls = tls_of(j.at("tls"));
  return site;
}

json to_json(const ports::Fence& fence) {
  return {{"term", fence.term}, {"rollout", fence.rollout}, {"sequence", fence.sequence}};
}
ports::Fence fence_from_json(const json& j) {
  return {j.at("term"), j.value("rollout", ""), j.at("sequence")};
}

json to_json(const ports::ArmCounters& arm) {
  return {{"requests", arm.requests},
          {"errors_5xx", arm.errors_5xx},
          {"failures", arm.failures},
          {"in_flight", arm.in_flight},
          {"websockets", arm.websockets}};
}
ports::ArmCounters arm_counters_from_json(const json& j) {
  return {j.at("requests"), j.at("errors_5xx"), j.at("failures"), j.at("in_flight"),
          j.at("websockets")};
}

json to_json(const ports::SiteCounters& counters) {
  json arms = json::array();
  for (const auto& [release, arm] : counters.arms) {
    arms.push_back(to_json(arm));
    arms.back()["release"] = release;
  }
  return {{"arms", arms}};
}
ports::SiteCounters counters_from_json(const json& j) {
  ports::SiteCounters counters;
  for (const json& arm : j.at("arms")) {
    counters.arms[arm.at("release")] = arm_counters_from_json(arm);
  }
  return counters;
}

json to_json(const Error& error) {
  return {{"kind", text_of(kKinds, error.kind)}, {"message", error.message}, {"hint", error.hint}};
}
Error error_from_json(const json& j) {
  return {value_of(kKinds, j.value("kind", ""), ErrorKind::kInternal), j.value("message", ""),
          j.value("hint", "")};
}

}  // namespace ecluse::gateway
