#include "preflight/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

std::string place_text(const Finding& finding) {
  const auto path = finding.path.empty() ? std::string("(repository)") : printable(finding.path);
  if (finding.place.line == 0) return path;
  return fmt::format("{}:{}:{}", path, finding.place.line, finding.place.column);
}

std::string paragraph(const Finding& finding) {
  const auto* rule = find_rule(finding.rule);
  auto text = fmt::format("{}: {} {}: {}\n", place_text(finding), to_string(*finding.severity),
                          finding.rule, rule->title);
  text += fmt::format("    seen: {}\n", finding.evidence);
  if (!finding.accepted.empty()) return text + fmt::format("    accepted: {}\n", finding.accepted);
  if (!finding.because.empty()) text += fmt::format("    because: {}\n", finding.because);
  return text + fmt::format("    why: {}\n    fix: {}\n", rule->why, rule->fix);
}

std::string counts(const Findings& findings) {
  const auto of = [&](Severity severity) {
    return std::ranges::count_if(findings, [&](const Finding& each) {
      return each.accepted.empty() && *each.severity == severity;
    });
  };
  const auto accepted =
      std::ranges::count_if(findings, [](const Finding& each) { return !each.accepted.empty(); });
  return fmt::format("{} block, {} major, {} warn, {} info; {} accepted\n", of(Severity::kBlock),
                     of(Severity::kMajor), of(Severity::kWarn), of(Severity::kInfo), accepted);
}

}  // namespace

std::string report_text(const Findings& findings, const Repository& repository) {
  std::string text;
  for (const auto& each : findings) text += paragraph(each) + "\n";
  for (const auto& each : repository.obstacles)
    text += fmt::format("not looked at: {}: {}\n", printable(each.path), printable(each.what));
  return text + counts(findings);
}

std::string report_json(const Findings& findings, const Repository& repository) {
  auto root =
      nlohmann::json{{"findings", nlohmann::json::array()}, {"obstacles", nlohmann::json::array()}};
  for (const auto& each : findings) {
    const auto* rule = find_rule(each.rule);
    root["findings"].push_back({{"rule", each.rule},
                                {"severity", to_string(*each.severity)},
                                {"path", each.path},
                                {"line", each.place.line},
                                {"column", each.place.column},
                                {"title", rule->title},
                                {"evidence", each.evidence},
                                {"because", each.because},
                                {"accepted", each.accepted},
                                {"why", rule->why},
                                {"fix", rule->fix}});
  }
  for (const auto& each : repository.obstacles)
    root["obstacles"].push_back({{"path", each.path}, {"what", each.what}});
  // File names may hold any bytes; JSON may not.
  return root.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string explain_rule(std::string_view id) {
  const auto* rule = find_rule(id);
  if (!rule) return {};
  return fmt::format("{} ({}): {}\n\nWhy it matters: {}\n\nHow to mend it: {}\n", rule->id,
                     to_string(rule->severity), rule->title, rule->why, rule->fix);
}

bool blocks(const Findings& findings) {
  return std::ranges::any_of(findings, [](const Finding& each) {
    return each.severity == Severity::kBlock && each.accepted.empty();
  });
}

}  // namespace ecluse::preflight
