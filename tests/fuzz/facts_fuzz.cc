// Any bytes as a file of each kind that the facts readers take: the first byte says which kind. The
// facts are read, every rule looks at them, and what is found can be printed. ./run fuzz facts
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "preflight/facts/ignore.h"
#include "preflight/facts/repository.h"
#include "preflight/report.h"
#include "preflight/rules/rule.h"

using namespace ecluse::preflight;

namespace {

/// One name for each reader, and for each that a reader treats in a way of its own. A name keeps
/// its letter: the corpus begins with it.
struct Kind {
  char letter;
  std::string_view path;
};
constexpr std::array kKinds = {Kind{'D', "Dockerfile"},
                               Kind{'C', "docker-compose.yml"},
                               Kind{'N', "nginx.conf"},
                               Kind{'R', "requirements.txt"},
                               Kind{'T', "pyproject.toml"},
                               Kind{'P', "Pipfile"},
                               Kind{'J', "package.json"},
                               Kind{'E', ".env"},
                               Kind{'G', ".gitignore"},
                               Kind{'I', ".dockerignore"},
                               Kind{'W', ".github/workflows/ci.yml"},
                               Kind{'L', ".gitlab-ci.yml"},
                               Kind{'S', "entrypoint.sh"},
                               Kind{'Y', "shop/settings.py"},
                               Kind{'X', "web/server.ts"},
                               Kind{'F', "Procfile"},
                               Kind{'B', "db.sqlite3"},
                               Kind{'K', ".streamlit/config.toml"},
                               Kind{'M', "prisma/schema.prisma"},
                               Kind{'A', ".ecluse-baseline"},
                               Kind{'U', "setup.cfg"},
                               Kind{'O', "render.yaml"}};

std::string_view path_for(std::uint8_t byte) {
  for (const auto& kind : kKinds)
    if (kind.letter == static_cast<char>(byte)) return kind.path;
  return kKinds[byte % kKinds.size()].path;
}

void demand(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes + 1), size - 1);
  const FileFact fact{.path = std::string(path_for(*bytes)), .bytes = text.size()};
  Collector collector;
  collector.file({.path = "manage.py"});  // so that rules about Django have something to ask
  collector.file(fact);
  if (Collector::wish(fact.path, fact.bytes) != Wish::kNothing) collector.content(fact, text);
  const auto repository = collector.finish();
  const auto stack = conclude(repository);
  const auto findings = audit({.repository = repository, .stack = stack, .today = "2026-11-21"});
  for (const auto& each : findings) demand(find_rule(each.rule) && each.severity);
  demand(!report_text(findings, repository).empty() && !report_json(findings, repository).empty());
  for (const auto& [path, rules] : repository.ignores) (void)rules.ask("a/b/.env", false);
  return 0;
}
