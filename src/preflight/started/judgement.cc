#include "preflight/started/judgement.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

Finding seen(std::string_view rule, Severity severity, std::string evidence,
             std::string because = {}) {
  return {.rule = std::string(rule),
          .severity = severity,
          .path = {},
          .place = {},
          .evidence = std::move(evidence),
          .because = std::move(because)};
}

bool is_sqlite(const SeenDatabase& database) {
  return database.engine.find("sqlite") != std::string::npos;
}

bool serves(const SeenPage& page) {
  return page.status >= 200 && page.status < 400;
}

const model::ServiceSpec* database_service(const model::EnvironmentSpec& environment) {
  for (const auto& service : environment.services)
    if (service.kind != model::ServiceKind::kRedis) return &service;
  return nullptr;
}

/// What the app says of its own databases.
void engine(const StartedSubject& subject, Findings& found) {
  const auto* service = database_service(subject.environment);
  for (const auto& database : subject.seen.databases) {
    if (!is_sqlite(database)) continue;
    const auto what = fmt::format("asked through {}, the running app uses {}{}{}",
                                  subject.seen.asked_by, printable(database.engine),
                                  database.name.empty() ? "" : " at ", printable(database.name));
    if (service != nullptr && (database.alias.empty() || database.alias == "default"))
      found.push_back(seen("DB-003", Severity::kBlock, what,
                           fmt::format("service {} is its database", service->name)));
    if (subject.process.instances > 1)
      found.push_back(
          seen("DB-001", Severity::kBlock, what,
               fmt::format("{} instances of {}", subject.process.instances, subject.process.name)));
  }
}

void hosts(const StartedSubject& subject, Findings& found) {
  bool any_accepted = false;
  for (const auto& page : subject.seen.own_hosts) {
    any_accepted = any_accepted || serves(page);
    if (page.status == 400)
      found.push_back(seen("DJ-003", Severity::kMajor,
                           fmt::format("GET {} with Host: {} is answered with 400",
                                       printable(page.path), printable(page.host))));
  }
  const auto& foreign = subject.seen.foreign_host;
  // The gateway sends nobody to it by a host that is not its own; absolute links may still leak.
  if (foreign && serves(*foreign) && any_accepted && subject.seen.asked_by == "Django")
    found.push_back(seen("DJ-002", Severity::kWarn,
                         fmt::format("GET {} with Host: {} is answered with {}",
                                     printable(foreign->path), foreign->host, foreign->status)));
}

void assets(const StartedSubject& subject, Findings& found) {
  std::vector<std::string> missing;
  for (const auto& asset : subject.seen.assets)
    if (asset.status == 404) missing.push_back(printable(asset.path));
  if (!missing.empty())
    found.push_back(
        seen("DJ-006", Severity::kMajor,
             fmt::format("the first page refers to {}, answered with 404", join(missing, ", "))));
}

void debugger(const StartedSubject& subject, Findings& found) {
  const auto& what = subject.seen.debugger;
  if (what.empty()) return;
  // Werkzeug's runs what a visitor types; Django's shows settings and source.
  const bool runs_code = what.find("Werkzeug") != std::string::npos;
  found.push_back(
      seen(runs_code ? "RT-001" : "DJ-001", runs_code ? Severity::kBlock : Severity::kMajor, what));
}

void health(const StartedSubject& subject, Findings& found) {
  const auto& well = subject.seen.health;
  const auto& ill = subject.seen.health_without_database;
  if (!well || !ill || !serves(*well) || !serves(*ill)) return;
  found.push_back(seen("HC-006", Severity::kWarn,
                       fmt::format("GET {} is answered with {} while no database answers",
                                   printable(ill->path), ill->status)));
}

void process(const StartedSubject& subject, Findings& found) {
  const auto& s = subject.seen;
  if (s.user == 0U) found.push_back(seen("RT-003", Severity::kMajor, "its user id is 0"));
  for (const auto& name : s.in_arguments)
    found.push_back(seen("RT-004", Severity::kMajor, name + " in a command line"));
  for (const auto& name : s.in_output)
    found.push_back(seen("RT-005", Severity::kMajor, name + " in its output"));
  if (s.stop_given.count() > 0 && s.stop_took >= s.stop_given)
    found.push_back(
        seen("RT-002", Severity::kMajor,
             fmt::format("without a request to answer it still ran {} s after SIGTERM",
                         std::chrono::duration_cast<std::chrono::seconds>(s.stop_given).count())));
}

/// Read by an interpreter or a library in C, where no trace sees it.
bool is_for_the_machine(std::string_view name) {
  constexpr std::array kPrefixes = {"PYTHON", "NODE_",     "LC_",  "LANG", "TZ",    "LD_",
                                    "MALLOC", "GUNICORN_", "SSL_", "PG",   "GIT_",  "OTEL_",
                                    "PATH",   "HOME",      "UV_",  "NPM_", "NEXT_", "VITE_"};
  const auto begins = [&](const char* prefix) { return name.starts_with(prefix); };
  return std::ranges::any_of(kPrefixes, begins) || name.ends_with("_PROXY") ||
         name.ends_with("_proxy");
}

bool is_read(const StartedSubject& subject, const std::string& name) {
  const auto mentions = [&](std::string_view text) { return any_of_words(text, {name}); };
  if (subject.seen.read.contains(name) || subject.repository.reads_variable(name)) return true;
  if (mentions(subject.process.command)) return true;
  return std::ranges::any_of(subject.environment.release,
                             [&](const auto& job) { return mentions(job.run); });
}

void variables(const StartedSubject& subject, Findings& found) {
  if (!subject.seen.traced || subject.seen.read.contains("*")) return;
  for (const auto& name : subject.given)
    if (!is_for_the_machine(name) && !is_read(subject, name))
      found.push_back(seen("RT-006", Severity::kInfo,
                           name + ": not in the code, and not read while it started and served"));
  const auto& db = subject.of_the_database;
  const auto used = [&](const std::string& name) { return is_read(subject, name); };
  if (!db.empty() && std::ranges::none_of(db, used) && subject.seen.databases.empty())
    found.push_back(seen("RT-006", Severity::kWarn,
                         "none of the database's variables, DATABASE_URL and its other spellings, "
                         "was read while it started and served"));
}

}  // namespace

Findings findings_of(const StartedSubject& subject) {
  Findings found;
  for (auto* const judge : {engine, hosts, assets, debugger, health, process, variables})
    judge(subject, found);
  return found;
}

}  // namespace ecluse::preflight
