#include "preflight/acceptance.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

bool is_about(const model::WaiverSpec& waiver, const Finding& finding) {
  if (waiver.rule != finding.rule) return false;
  if (waiver.path.empty() || waiver.path == finding.path) return true;
  const auto folder = waiver.path.ends_with('/') ? waiver.path : waiver.path + "/";
  return finding.path.starts_with(folder);
}

void say_also(std::string& because, std::string more) {
  because += (because.empty() ? "" : "; ") + std::move(more);
}

void accept_by_waiver(Finding& finding, std::span<const model::WaiverSpec> waivers,
                      std::string_view today) {
  for (const auto& waiver : waivers) {
    if (!is_about(waiver, finding)) continue;
    if (waiver.until >= today) {
      finding.accepted = fmt::format("waived until {}: {}", waiver.until, waiver.reason);
      return;
    }
    say_also(finding.because, fmt::format("its waiver ended on {}", waiver.until));
  }
}

void accept_by_comment(Finding& finding, const Repository& repository) {
  for (const auto& each : repository.suppressions) {
    const bool here = each.path == finding.path &&
                      (each.line == finding.place.line || each.line + 1 == finding.place.line);
    if (here && std::ranges::find(each.rules, finding.rule) != each.rules.end())
      finding.accepted = fmt::format("ignored in line {}: {}", each.line, each.reason);
  }
}

/// The same whatever line it moves to. FNV-1a 64 of the evidence.
std::string fingerprint(const Finding& finding) {
  std::uint64_t digest = 0xcbf29ce484222325;
  for (const unsigned char byte : finding.evidence) digest = (digest ^ byte) * 0x100000001b3;
  return fmt::format("{} {:016x} {}", finding.rule, digest, printable(finding.path));
}

std::set<std::string, std::less<>> baseline_lines(const Repository& repository) {
  std::set<std::string, std::less<>> lines;
  for (const auto line : lines_of(repository.text(kBaselineFile))) lines.emplace(trim(line));
  return lines;
}

}  // namespace

void accept(Findings& findings, const Repository& repository,
            std::span<const model::WaiverSpec> waivers, std::string_view today) {
  const auto baseline = baseline_lines(repository);
  for (auto& finding : findings) {
    accept_by_waiver(finding, waivers, today);
    if (finding.severity == Severity::kBlock || !finding.accepted.empty()) continue;
    accept_by_comment(finding, repository);
    if (finding.accepted.empty() && baseline.contains(fingerprint(finding)))
      finding.accepted = "in the baseline";
  }
}

std::string baseline_of(const Findings& findings) {
  std::set<std::string> lines;
  for (const auto& each : findings)
    if (each.severity != Severity::kBlock && each.accepted.empty()) lines.insert(fingerprint(each));
  std::string text =
      "# Findings that were there already: RULE DIGEST PATH. Written by ecluse check.\n";
  for (const auto& line : lines) text += line + "\n";
  return text;
}

std::vector<std::string> blocking_lines(const Findings& findings) {
  std::vector<std::string> lines;
  for (const auto& each : findings) {
    if (each.severity != Severity::kBlock || !each.accepted.empty()) continue;
    lines.push_back(fmt::format("{}:{}: {}: {}: {}", printable(each.path), each.place.line,
                                each.rule, find_rule(each.rule)->title, each.evidence));
  }
  return lines;
}

std::string release_report(const Findings& findings) {
  auto root =
      nlohmann::json{{"counts", nlohmann::json::object()}, {"findings", nlohmann::json::array()}};
  auto gravest = findings;
  std::ranges::stable_sort(gravest, std::greater{},
                           [](const Finding& each) { return *each.severity; });
  for (const auto& each : gravest) {
    auto& count = root["counts"][std::string(to_string(*each.severity))];
    count = count.is_null() ? 1 : count.get<int>() + 1;
    if (root["findings"].size() >= kKeptFindingsMax) continue;
    root["findings"].push_back({{"rule", each.rule},
                                {"severity", to_string(*each.severity)},
                                {"path", each.path},
                                {"line", each.place.line},
                                {"evidence", each.evidence},
                                {"accepted", each.accepted}});
  }
  return root.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace ecluse::preflight
