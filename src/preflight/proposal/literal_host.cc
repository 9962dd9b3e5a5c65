#include "preflight/proposal/literal_host.h"

#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

/// `"HOST": "db"`, which no variable changes: it is the name of a container.
std::string host_of_django(const Value& databases) {
  const auto* first = databases.find("default");
  const auto* host = first ? first->find("HOST") : nullptr;
  const bool literal = host && host->kind == ValueKind::kString && !host->interpolated;
  return literal ? host->text : std::string();
}

/// "db" of "postgresql://{}:{}@db:5432/shop"; "" of one that a variable fills in, or the machine's.
std::string host_of_address(const Value& value) {
  const auto at = value.text.rfind('@');
  const bool address = value.kind == ValueKind::kString && at != std::string::npos &&
                       (value.text.starts_with("postgres") || value.text.starts_with("mysql"));
  const auto rest = address ? value.text.substr(at + 1) : std::string();
  const auto end = rest.find_first_of(":/");
  if (end == std::string::npos || rest.find_first_of("{$%") < end) return {};
  const auto name = rest.substr(0, end);
  return name == "localhost" || name == "127.0.0.1" ? std::string() : name;
}

void note(const std::string& where, const std::string& host, Evidence why, Proposal& out) {
  if (host.empty()) return;
  out.gaps.push_back({where + " where the database is (" + host + "), and no variable changes it",
                      "read DATABASE_URL (dj-database-url), or POSTGRES_HOST and its kin: ecluse "
                      "then gives a PostgreSQL",
                      std::move(why)});
}

bool runs_elsewhere(const Scope& scope) {
  return is_for_development(scope) ||
         any_of_words(to_lower(scope.type), {"dev", "test", "local", "docker"});
}

}  // namespace

void note_literal_host(const Repository& repository, const Stack& stack, Proposal& out) {
  if (!out.services.contains("db"))
    for (const auto& django : stack.djangos)
      if (const auto databases = django.setting("DATABASES"))
        note("the settings say", host_of_django(databases->assignment->value),
             {databases->file->path, databases->assignment->place, "DATABASES"}, out);
  for (const auto& file : repository.code) {
    if (!is_production_code(file)) continue;
    for (const auto& each : file.assignments)
      if (!runs_elsewhere(each.scope))
        note("the code says", host_of_address(each.value), {file.path, each.place, each.target},
             out);
  }
}

}  // namespace ecluse::preflight
