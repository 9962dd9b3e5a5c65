// Any bytes as a whole repository: a line "=== PATH" begins each file. It is audited twice, to the
// same findings; and what init proposes for it is an ecluse.yml that ecluse takes.
// ./run fuzz repository
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "config/parse.h"
#include "preflight/acceptance.h"
#include "preflight/page.h"
#include "preflight/proposal/proposal.h"
#include "preflight/proposal/write.h"
#include "preflight/report.h"
#include "preflight/rules/rule.h"

using namespace ecluse;
using namespace ecluse::preflight;

namespace {

constexpr std::string_view kMark = "=== ";
constexpr std::size_t kFilesRead = 64;

void demand(bool holds) {
  if (!holds) std::abort();
}

void put(Collector& collector, const std::string& path, std::string_view text) {
  const FileFact fact{.path = path, .bytes = text.size()};
  collector.file(fact);
  if (Collector::wish(path, text.size()) != Wish::kNothing) collector.content(fact, text);
}

Repository repository_of(std::string_view bytes) {
  Collector collector;
  std::set<std::string> taken;
  while (taken.size() < kFilesRead) {
    const auto mark = bytes.find(kMark);
    if (mark == std::string_view::npos) break;
    bytes.remove_prefix(mark + kMark.size());
    const auto line = bytes.find('\n');
    if (line == std::string_view::npos) break;
    const std::string path(bytes.substr(0, line));
    bytes.remove_prefix(line + 1);
    const auto text = bytes.substr(0, bytes.find(kMark));
    // What a disk could hold: names without an empty part, each once.
    const bool possible = !path.empty() && ("/" + path + "/").find("//") == std::string::npos &&
                          path.find('\0') == std::string::npos;
    if (possible && taken.insert(path).second) put(collector, path, text);
  }
  return collector.finish();
}

Findings audited(const Repository& repository) {
  const auto stack = conclude(repository);
  auto findings = audit({.repository = repository, .stack = stack, .today = "2026-11-21"});
  accept(findings, repository, {}, "2026-11-21");
  return findings;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto repository = repository_of(text);
  const auto findings = audited(repository);
  demand(report_json(findings, repository) ==
         report_json(audited(repository_of(text)), repository));
  demand(!report_page(findings, repository, "fuzz").empty());

  const auto proposal = propose(repository, conclude(repository), "fuzz");
  (void)reasons_text(proposal);
  (void)gaps_text(proposal);
  demand(!proposal_json(proposal, "ecluse.yml").empty());
  if (proposal.parts.empty()) return 0;
  const auto yaml = ecluse_yml(proposal);
  const auto parsed = config::parse(yaml, "ecluse.yml");
  if (!parsed) std::fputs((yaml + config::render(parsed.error(), yaml)).c_str(), stderr);
  demand(parsed.has_value());
  return 0;
}
