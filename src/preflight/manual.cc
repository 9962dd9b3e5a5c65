#include "preflight/manual.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <vector>

#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

struct Family {
  std::string_view prefix;
  std::string_view name;
};
constexpr std::array kFamilies = {
    Family{"SEC", "Secrets"},
    Family{"DB", "Database"},
    Family{"MIG", "Migrations and seeds"},
    Family{"DJ", "Django"},
    Family{"ENV", "Variables"},
    Family{"HC", "Health checks"},
    Family{"DK", "Images"},
    Family{"DI", "What an image is built from"},
    Family{"VOL", "Volumes"},
    Family{"RED", "Redis"},
    Family{"LOG", "Logs"},
    Family{"CI", "Pipelines"},
    Family{"DEP", "Dependencies"},
    Family{"RUN", "Start commands"},
    Family{"RT", "Of the running app"},
    Family{"PX", "nginx"},
    Family{"TLS", "Certificates"},
    Family{"REPO", "What is committed"},
    Family{"HARD", "One machine's settings"},
    Family{"ST", "Ports and Streamlit"},
};

std::string page_of(const Rule& rule) {
  return fmt::format("### {}: {}\n`{}` · {}\n\nFix: {}\n\n", rule.id, rule.title,
                     to_string(rule.severity), rule.why, rule.fix);
}

}  // namespace

std::string rules_manual() {
  std::map<std::string_view, std::string> pages;
  for (const auto* rule : all_rules())
    pages[rule->id.substr(0, rule->id.find('-'))] += page_of(*rule);
  std::string text =
      "# The rules of ecluse check\n\nWritten from the rules themselves; `ecluse check --explain "
      "ID` says the same. The severity is the usual one: where it\ndepends on replicas, "
      "environment or host, a finding says which of them raised or lowered it. What blocks stops a "
      "deploy\n([check.md](check.md)); RT rules are about the app as it runs.\n\n";
  for (const auto& family : kFamilies)
    text += fmt::format("## {}\n\n{}", family.name, pages[family.prefix]);
  while (text.ends_with("\n\n")) text.pop_back();
  return text;
}

}  // namespace ecluse::preflight
