#include "preflight/acceptance.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"

namespace ecluse::preflight {

namespace {

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

void accept(Findings& findings, const Repository& repository) {
  const auto baseline = baseline_lines(repository);
  for (auto& finding : findings) {
    if (finding.severity == Severity::kBlock) continue;
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

}  // namespace ecluse::preflight
