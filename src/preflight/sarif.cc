#include "preflight/sarif.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

using nlohmann::json;

std::string_view level_of(Severity severity) {
  switch (severity) {
    case Severity::kBlock:
    case Severity::kMajor:
      return "error";
    case Severity::kWarn:
      return "warning";
    case Severity::kInfo:
      return "note";
  }
  return "none";
}

/// A path as a relative URI (RFC 3986): bytes that mean something else there are percent-encoded.
std::string uri_of(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string uri;
  for (const unsigned char byte : path) {
    if (std::isalnum(byte) ||
        std::string_view("-._~/").find(static_cast<char>(byte)) != std::string_view::npos) {
      uri += static_cast<char>(byte);
    } else {
      uri += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return uri;
}

json rule_of(const Rule& rule) {
  return {{"id", rule.id},
          {"shortDescription", {{"text", rule.title}}},
          {"fullDescription", {{"text", rule.why}}},
          {"help", {{"text", rule.fix}}},
          {"defaultConfiguration", {{"level", level_of(rule.severity)}}},
          {"properties", {{"severity", to_string(rule.severity)}}}};
}

json location_of(const Finding& finding) {
  // A finding about the repository as a whole stands at its top.
  json place{{"artifactLocation", {{"uri", finding.path.empty() ? "." : uri_of(finding.path)}}}};
  if (finding.place.line > 0) place["region"] = {{"startLine", finding.place.line}};
  return {{"physicalLocation", std::move(place)}};
}

json result_of(const Finding& finding, std::size_t index) {
  const auto& rule = *all_rules()[index];
  json result{{"ruleId", rule.id},
              {"ruleIndex", index},
              {"level", level_of(*finding.severity)},
              {"message", {{"text", std::string(rule.title) + ": " + finding.evidence}}},
              {"locations", json::array({location_of(finding)})},
              {"properties", {{"severity", to_string(*finding.severity)}}}};
  if (!finding.accepted.empty())
    result["suppressions"] =
        json::array({{{"kind", "external"}, {"justification", finding.accepted}}});
  return result;
}

std::size_t index_of(std::string_view id) {
  const auto rules = all_rules();
  return static_cast<std::size_t>(
      std::ranges::find_if(rules, [&](const Rule* rule) { return rule->id == id; }) -
      rules.begin());
}

json notification_of(const Obstacle& obstacle) {
  return {{"level", "warning"},
          {"message", {{"text", "not looked at: " + obstacle.what}}},
          {"locations",
           json::array({{{"physicalLocation",
                          {{"artifactLocation",
                            {{"uri", obstacle.path.empty() ? "." : uri_of(obstacle.path)}}}}}}})}};
}

}  // namespace

std::string report_sarif(const Findings& findings, const Repository& repository,
                         std::string_view version) {
  auto rules = json::array();
  for (const auto* rule : all_rules()) rules.push_back(rule_of(*rule));
  auto results = json::array();
  for (const auto& each : findings) results.push_back(result_of(each, index_of(each.rule)));
  auto notifications = json::array();
  for (const auto& each : repository.obstacles) notifications.push_back(notification_of(each));
  const json run{
      {"tool",
       {{"driver", {{"name", "ecluse"}, {"version", version}, {"rules", std::move(rules)}}}}},
      {"invocations", json::array({{{"executionSuccessful", true},
                                    {"toolExecutionNotifications", std::move(notifications)}}})},
      {"results", std::move(results)}};
  const json root{{"version", "2.1.0"}, {"runs", json::array({run})}};
  return root.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace ecluse::preflight
