#include "preflight/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/html.h"
#include "base/text.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin: 2rem 0 0; font-size: 1.1rem; }
.mark { padding: .1rem .5rem; border-radius: .3rem; color: #fff; font-size: .85rem; }
.block { background: #8b0000; } .major { background: #b34700; }
.warn { background: #7a5c00; } .info { background: #44546a; }
code, td { font-family: ui-monospace, monospace; font-size: .85rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
td { border-top: 1px solid #8884; padding: .3rem .6rem .3rem 0; vertical-align: top; }
td:first-child { width: 35%; }
.accepted { opacity: .6; }
)";

std::string escaped(std::string_view text) {
  return html_escaped(readable(text, 400));
}

std::string place_of(const Finding& finding) {
  const auto path = finding.path.empty() ? std::string("(repository)") : finding.path;
  return finding.place.line == 0 ? path : fmt::format("{}:{}", path, finding.place.line);
}

std::string row(const Finding& finding) {
  std::string text = escaped(finding.evidence);
  if (!finding.because.empty()) text += "<br>because " + escaped(finding.because);
  if (!finding.accepted.empty()) text += "<br>accepted: " + escaped(finding.accepted);
  return fmt::format("<tr{}><td>{}</td><td>{}</td></tr>\n",
                     finding.accepted.empty() ? "" : " class=\"accepted\"",
                     escaped(place_of(finding)), text);
}

struct Group {
  Severity severity = Severity::kInfo;
  std::string rows;
};

std::string section(const Rule& rule, const Group& group) {
  const auto severity = to_string(group.severity);
  return fmt::format(
      "<h2><span class=\"mark {0}\">{0}</span> {1} {2}</h2>\n<p>{3} <strong>{4}</strong></p>\n"
      "<table>\n{5}</table>\n",
      severity, rule.id, escaped(rule.title), escaped(rule.why), escaped(rule.fix), group.rows);
}

std::string sections(const Findings& findings) {
  std::map<std::string, Group> groups;
  for (const auto& each : findings) {
    auto& group = groups[each.rule];
    group.severity = std::max(group.severity, *each.severity);
    group.rows += row(each);
  }
  std::vector<std::pair<std::string, Group>> ordered(groups.begin(), groups.end());
  std::ranges::stable_sort(ordered, std::greater{},
                           [](const auto& each) { return each.second.severity; });
  std::string text;
  for (const auto& [id, group] : ordered) text += section(*find_rule(id), group);
  return text;
}

std::string not_looked_at(const Repository& repository) {
  if (repository.obstacles.empty()) return {};
  std::string rows;
  for (const auto& each : repository.obstacles)
    rows +=
        fmt::format("<tr><td>{}</td><td>{}</td></tr>\n", escaped(each.path), escaped(each.what));
  return "<h2>Not looked at</h2>\n<table>\n" + rows + "</table>\n";
}

}  // namespace

std::string report_page(const Findings& findings, const Repository& repository,
                        std::string_view title) {
  const auto stand =
      std::ranges::count_if(findings, [](const Finding& each) { return each.accepted.empty(); });
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width\">\n<title>{0}</title>\n<style>{1}</style>\n<h1>{0}</h1>\n"
      "<p>{2} findings, {3} of them accepted.</p>\n{4}{5}</html>\n",
      escaped(title), kStyle, findings.size(), findings.size() - static_cast<std::size_t>(stand),
      sections(findings), not_looked_at(repository));
}

}  // namespace ecluse::preflight
