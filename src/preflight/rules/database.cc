// DB-001..008: which database the app really uses.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

bool is_sqlite_text(std::string_view text) {
  return text.find("sqlite") != std::string_view::npos;
}

bool holds_sqlite(const Value& value) {
  if (value.kind == ValueKind::kString) return is_sqlite_text(value.text);
  if (value.kind == ValueKind::kName || value.kind == ValueKind::kNone) return false;
  if (value.items.empty()) return is_sqlite_text(value.text);
  return std::ranges::any_of(value.items,
                             [](const Item& item) { return holds_sqlite(item.value); });
}

/// Of DATABASES what the project uses unless it asks for another one by name.
bool is_sqlite_by_default(const Value& databases) {
  const auto* chosen = databases.kind == ValueKind::kMap ? databases.find("default") : nullptr;
  return holds_sqlite(chosen ? *chosen : databases);
}

bool names_other_engine(std::string_view text) {
  return any_of_words(text, {"postgres", "mysql", "mariadb", "psycopg", "DATABASE_URL",
                             "dj_database_url", "environ", "getenv", "config(", "env("});
}

/// Where production's database is said to be SQLite.
struct Engine {
  std::string path;
  Place place;
  std::string what;
  bool certain = false;  ///< nothing else can be chosen
};

/// `if USE_SQLITE:` where nothing but the variable's own value turns it on.
bool asks_for_sqlite(const CodeFile& file, const Scope& scope) {
  const auto lower = to_lower(scope.condition);
  if (lower.starts_with("not ") || !is_sqlite_text(lower)) return false;
  return std::ranges::none_of(file.reads, [](const EnvRead& read) {
    return is_sqlite_text(to_lower(read.name)) && read.fallback &&
           any_of_words(to_lower(read.fallback->text), {"true", "1", "yes", "on"});
  });
}

/// `DATABASES["default"].update(...)`: with what a variable says.
bool changes_databases(const CodeFile& file) {
  return std::ranges::any_of(file.calls, [](const Call& call) {
    return call.callee().starts_with("DATABASES") && call.callee().ends_with("update");
  });
}

void add_django_engines(const Subject& subject, std::vector<Engine>& engines) {
  for (const auto& django : subject.stack.djangos) {
    bool other = false;
    for (const auto* file : django.settings)
      for (const auto& each : file->assignments)
        other |= each.target.starts_with("DATABASES") && names_other_engine(each.value.text);
    for (const auto* file : django.settings) other |= changes_databases(*file);
    for (const auto* file : django.settings) {
      for (const auto& each : file->assignments) {
        if (!each.target.starts_with("DATABASES") || !is_sqlite_by_default(each.value)) continue;
        if (is_for_development(each.scope) || asks_for_sqlite(*file, each.scope)) continue;
        const auto* read = read_within(*file, each);
        engines.push_back({file->path, each.place, "DATABASES uses SQLite", !other && !read});
      }
    }
  }
}

/// `class DevelopmentConfig`, and the base that `class ProductionConfig` of the file corrects.
bool is_other_configuration(const CodeFile& file, const Assignment& each) {
  const auto type = to_lower(each.scope.type);
  if (type.empty() || type.find("prod") != std::string::npos) return false;
  if (any_of_words(type, {"dev", "test", "local", "debug"})) return true;
  return std::ranges::any_of(file.assignments, [&](const Assignment& other) {
    return other.target == each.target &&
           to_lower(other.scope.type).find("prod") != std::string::npos;
  });
}

bool is_uri_name(std::string_view name) {
  return any_of_words(
      name, {"SQLALCHEMY_DATABASE_UR", "DATABASE_UR", "database_url", "DB_URL", "DB_URI"});
}

void add_assigned_engines(const CodeFile& file, std::vector<Engine>& engines) {
  for (const auto& each : file.assignments) {
    if (!is_uri_name(each.target) || !holds_sqlite(each.value) || is_for_development(each.scope) ||
        is_other_configuration(file, each))
      continue;
    const bool chosen = read_within(file, each) != nullptr ||
                        any_of_words(each.value.text, {" or ", " else ", "environ"});
    engines.push_back({file.path, each.place, each.target + " uses SQLite", !chosen});
  }
  for (const auto& read : file.reads) {
    const auto type = to_lower(read.scope.type);
    const bool other = is_for_development(read.scope) || read.name.starts_with("TEST_") ||
                       read.name.starts_with("DEV_") ||
                       any_of_words(type, {"devconfig", "developmentconfig", "testconfig",
                                           "testingconfig", "localconfig"});
    if (read.fallback && holds_sqlite(*read.fallback) && !other)
      engines.push_back({file.path, read.place, read.name + " falls back to SQLite", false});
  }
}

/// create_engine("sqlite://..."), config.setdefault("SQLALCHEMY_DATABASE_URI", "sqlite://...").
void add_called_engines(const CodeFile& file, bool nothing_read, std::vector<Engine>& engines) {
  for (const auto& call : file.calls) {
    if (is_for_development(call.scope)) continue;
    const auto* first = call.value.at(0);
    const bool makes = ends_with_name(call.callee(), "create_engine") ||
                       ends_with_name(call.callee(), "create_async_engine");
    if (makes && first && first->kind == ValueKind::kString && is_sqlite_text(first->text))
      engines.push_back({file.path, call.value.place, "create_engine() of SQLite", true});
    const auto* second = call.value.at(1);
    const bool falls_back = ends_with_name(call.callee(), "config.setdefault") && first &&
                            is_uri_name(first->text) && second && holds_sqlite(*second);
    const auto* named = call.value.find("SQLALCHEMY_DATABASE_URI");
    if (falls_back || (named && named->kind == ValueKind::kString && holds_sqlite(*named)))
      engines.push_back(
          {file.path, call.value.place, "SQLALCHEMY_DATABASE_URI uses SQLite", nothing_read});
  }
}

void add_uri_engines(const Subject& subject, std::vector<Engine>& engines) {
  const bool nothing_read = !subject.repository.reads_variable("DATABASE_URL") &&
                            !subject.repository.reads_variable("SQLALCHEMY_DATABASE_URI");
  for (const auto& file : subject.repository.code) {
    if (!is_production_code(file)) continue;
    add_assigned_engines(file, engines);
    add_called_engines(file, nothing_read, engines);
  }
}

std::vector<Engine> sqlite_engines(const Subject& subject) {
  std::vector<Engine> engines;
  add_django_engines(subject, engines);
  add_uri_engines(subject, engines);
  std::ranges::sort(engines, {},
                    [](const Engine& each) { return std::tie(each.path, each.place); });
  const auto repeated = std::ranges::unique(engines, [](const Engine& a, const Engine& b) {
    return a.path == b.path && a.place.line == b.place.line;
  });
  engines.erase(repeated.begin(), repeated.end());
  return engines;
}

bool has_postgres(const Subject& subject) {
  return subject.environment && !subject.environment->services.empty();
}

Findings sqlite_instances(const Subject& subject) {
  const auto instances = instances_of(subject);
  if (instances.count < 2) return {};
  Findings found;
  for (const auto& engine : sqlite_engines(subject)) {
    if (!engine.certain && has_postgres(subject)) continue;
    auto made = at(engine.path, engine.place, engine.what);
    made.because = instances.said_by;
    found.push_back(std::move(made));
  }
  return found;
}

bool is_database_variable(std::string_view name) {
  for (const std::string_view prefix :
       {"DATABASE_", "DB_", "POSTGRES_", "SQL_", "PG", "MYSQL_", "MONGO"})
    if (name.starts_with(prefix)) return true;
  return name == "SQLALCHEMY_DATABASE_URI";
}

/// Does ecluse.yml's environment set it? A service injects every usual spelling.
bool is_given(const model::EnvironmentSpec& environment, const std::string& name) {
  if (environment.env.contains(name)) return true;
  if (std::ranges::find(environment.secrets, name) != environment.secrets.end()) return true;
  for (const auto& process : environment.processes)
    if (process.env.contains(name)) return true;
  return !environment.services.empty() && is_database_variable(name);
}

Findings database_missing(const Subject& subject) {
  Findings found;
  if (!subject.environment) return found;
  for (const auto& file : subject.repository.code) {
    if (!is_production_code(file)) continue;
    for (const auto& read : file.reads) {
      if (!read.required || !is_database_variable(read.name) || is_for_development(read.scope))
        continue;
      if (is_given(*subject.environment, read.name)) continue;
      auto made = at(file.path, read.place, read.name + " is demanded and not set");
      made.because =
          "environment " + subject.environment->name + " of ecluse.yml has no database service";
      found.push_back(std::move(made));
    }
  }
  return found;
}

/// Set somewhere for production, and no source file reads it.
Findings database_unread(const Subject& subject) {
  Findings found;
  if (subject.repository.code.empty()) return found;
  const auto unread = [&](const std::string& name) {
    if (name != "DATABASE_URL" && name != "SQLALCHEMY_DATABASE_URI") return false;
    if (subject.repository.reads_variable(name)) return false;
    for (const auto& file : subject.repository.code) {
      for (const auto& call : file.calls)
        if (any_of_words(call.callee(), {"dj_database_url", "env.db", "BaseSettings", "AnyUrl"}))
          return false;
      for (const auto& made : file.definitions)
        for (const auto& base : made.bases)
          if (base.ends_with("BaseSettings")) return false;
    }
    for (const auto& [path, text] : subject.repository.texts)
      if (file_name(path) == "schema.prisma" || path.ends_with("alembic.ini"))
        if (text.find(name) != std::string::npos) return false;
    return true;
  };
  for (const auto* compose : subject.stack.composes)
    for (const auto& service : compose->services)
      if (service.context)
        for (const auto& variable : service.environment)
          if (unread(variable.name))
            found.push_back(
                at(compose->path, variable.place,
                   service.name + " is given " + variable.name + ", which no source file reads"));
  if (subject.environment && subject.environment->env.contains("DATABASE_URL") &&
      unread("DATABASE_URL"))
    found.push_back(at("ecluse.yml", {1, 1}, "DATABASE_URL is set and no source file reads it"));
  return found;
}

Findings sqlite_reachable(const Subject& subject) {
  Findings found;
  for (const auto& engine : sqlite_engines(subject)) {
    auto made = at(engine.path, engine.place, engine.what);
    if (!engine.certain) made.evidence += " when nothing else is set";
    found.push_back(std::move(made));
  }
  return found;
}

Findings direct_sqlite(const Subject& subject) {
  Findings found;
  for (const auto& file : subject.repository.code) {
    if (file.test) continue;
    for (const auto& call : file.calls) {
      if (call.callee() == "sqlite3.connect" || call.callee() == "aiosqlite.connect" ||
          call.callee() == "sqlite3.Database" ||
          (call.callee() == "Database" && file.imports_module("better-sqlite3")))
        found.push_back(at(file.path, call.value.place, call.callee() + "()"));
    }
  }
  return found;
}

/// Uploads and logs hold no database.
bool may_hold_database(const ComposeMount& mount) {
  return !any_of_words(to_lower(file_name(mount.target)),
                       {"static", "media", "upload", "log", "model", "cert", "ssl", "template"});
}

bool has_data_volume(const Subject& subject) {
  if (subject.environment) return !subject.environment->volumes.empty();
  for (const auto& compose : subject.repository.composes)
    for (const auto& service : compose.services)
      if (service.context && std::ranges::any_of(service.volumes, may_hold_database)) return true;
  return false;
}

/// What puts the file into a container; "" when nothing does.
std::string container_of(const Subject& subject, std::string_view path) {
  for (const auto* file : subject.stack.dockerfiles) {
    const auto context = build_context(subject.repository, *file);
    if (context.empty() || path.starts_with(context + "/")) return file->path + " makes an image";
  }
  for (const auto* compose : subject.stack.composes)
    for (const auto& service : compose->services)
      if (service.context) return compose->path + " builds " + service.name;
  return {};
}

Findings sqlite_in_layer(const Subject& subject) {
  if (has_data_volume(subject)) return {};
  for (const auto* file : subject.stack.dockerfiles)
    if (const auto* stage = file->final_stage(); stage && stage->last("VOLUME")) return {};
  Findings found;
  for (const auto& engine : sqlite_engines(subject)) {
    const auto container = container_of(subject, engine.path);
    if (!engine.certain || container.empty()) continue;
    auto made = at(engine.path, engine.place, engine.what + " inside the container");
    made.because = container + ", and no volume is mounted where the file may lie";
    found.push_back(std::move(made));
  }
  return found;
}

std::optional<std::string_view> changes_database(std::string_view text) {
  for (const std::string_view word :
       {"manage.py migrate", "manage.py loaddata", "createsuperuser", "alembic upgrade",
        "flask db upgrade", "prisma migrate deploy", "prisma db push", "db:migrate",
        "manage.py seed", "prisma db seed"})
    if (text.find(word) != std::string_view::npos) return word;
  return std::nullopt;
}

/// "build.sh", "render-build.sh": what a platform runs to build.
bool is_build_script(const Subject& subject, const ScriptFile& script) {
  if (is_development_path(script.path)) return false;
  const auto name = to_lower(file_name(script.path));
  if (name == "build.sh" || name.ends_with("-build.sh") || name.ends_with("_build.sh") ||
      name.starts_with("build_files") || name.starts_with("build-"))
    return true;
  for (const auto line : lines_of(subject.repository.text("render.yaml")))
    if (line.find("buildCommand") != std::string_view::npos &&
        line.find(file_name(script.path)) != std::string_view::npos)
      return true;
  return false;
}

void changes_in_build_scripts(const Subject& subject, Findings& found) {
  for (const auto& script : subject.repository.scripts) {
    if (!is_build_script(subject, script)) continue;
    for (const auto& each : script.script.commands)
      if (changes_database(each.text)) found.push_back(at(script.path, each.place, each.text));
  }
  auto lines = lines_like(subject.repository, "render.yaml",
                          [](std::string_view line) -> std::optional<int> {
                            const auto column = line.find("buildCommand:");
                            if (column == std::string_view::npos || !changes_database(line))
                              return std::nullopt;
                            return static_cast<int>(column) + 1;
                          });
  found.insert(found.end(), lines.begin(), lines.end());
}

Findings migrate_in_build(const Subject& subject) {
  Findings found;
  changes_in_build_scripts(subject, found);
  for (const auto& file : subject.repository.dockerfiles) {
    for (const auto& stage : file.stages) {
      for (const auto& each : stage.instructions) {
        if (each.name != "RUN") continue;
        const auto word = changes_database(each.heredoc.empty() ? each.text : each.heredoc);
        if (word) found.push_back(at(file.path, each.place, "RUN runs " + std::string(*word)));
      }
    }
  }
  return found;
}

/// What sets DATABASE_URL to a value that says its engine.
struct GivenUrl {
  std::string where;
  std::string url;
};
std::vector<GivenUrl> given_urls(const Subject& subject) {
  std::vector<GivenUrl> urls;
  for (const auto* compose : subject.stack.composes)
    for (const auto& service : compose->services)
      if (const auto* url = service.find_variable("DATABASE_URL"); url && url->value)
        urls.push_back({service.name + " in " + compose->path, *url->value});
  for (const auto& file : subject.repository.env_files)
    if (const auto* line = file.find("DATABASE_URL")) urls.push_back({file.path, line->value});
  std::erase_if(urls, [](const GivenUrl& each) {
    return !each.url.starts_with("file:") && each.url.find("://") == std::string::npos;
  });
  return urls;
}

Findings other_engine(const Subject& subject) {
  Findings found;
  for (const auto& [path, text] : subject.repository.texts) {
    if (file_name(path) != "schema.prisma") continue;
    const auto source = text.find("datasource");
    const auto provider = text.find("provider", source == std::string::npos ? 0 : source);
    const auto quote = text.find('"', provider);
    if (provider == std::string::npos || quote == std::string::npos) continue;
    const auto engine = text.substr(quote, text.find_first_of("\n}", quote) - quote);
    const auto number = static_cast<int>(std::ranges::count(text.substr(0, provider), '\n')) + 1;
    for (const auto& each : given_urls(subject)) {
      if (is_sqlite_text(engine) == each.url.starts_with("file:")) continue;
      found.push_back(
          at(path, {number, 3},
             "the schema is for " + engine + ", DATABASE_URL of " + each.where + " is not"));
      break;
    }
  }
  return found;
}

constexpr std::array kRules = {
    Rule{"DB-001", Severity::kBlock, "SQLite with several instances",
         "Measured: 1,492 of 1,800 concurrent transactions failed; on other machines each instance "
         "has a database of its own.",
         "`services: {db: postgres}` in ecluse.yml and `ecluse db move`, or one instance.",
         sqlite_instances},
    Rule{"DB-002", Severity::kBlock, "The database's variables are missing",
         "The app stops at its start, or worse, silently uses something else.",
         "`services: {db: postgres}` injects them under their usual spellings, or list the secret.",
         database_missing},
    Rule{"DB-003", Severity::kBlock, "DATABASE_URL is set and nothing reads it",
         "The app turns green on the database it falls back to, and the data is gone at the next "
         "deploy.",
         "Read it: `DATABASES = {\"default\": dj_database_url.config()}`; then prove the engine by "
         "asking the running app.",
         database_unread},
    Rule{"DB-004", Severity::kMajor, "SQLite can be reached in production",
         "One missing variable and production writes into a file that the next deploy throws away.",
         "Choose SQLite only where DEBUG is on, and fail when DATABASE_URL is missing elsewhere.",
         sqlite_reachable},
    Rule{"DB-005", Severity::kMajor, "The code opens SQLite itself",
         "Whatever the settings say, this data lies in a local file of one instance.",
         "Go through the configured database connection.", direct_sqlite},
    Rule{"DB-006", Severity::kBlock, "SQLite inside a container without a volume",
         "The file is part of the container's layer: every deploy and restart loses the data.",
         "Use PostgreSQL, or a volume for the file's folder.", sqlite_in_layer},
    Rule{"DB-007", Severity::kMajor, "The database is changed while building",
         "The build's database is not production's: the migration runs on nothing, or on the wrong "
         "one.",
         "Move it to `release:` in ecluse.yml: once per release, under a lock.", migrate_in_build},
    Rule{"DB-008", Severity::kMajor, "The schema is for another engine than the environment's",
         "The client refuses to start with a URL of another provider.",
         "Let both name the same engine.", other_engine},
};

}  // namespace

std::span<const Rule> database_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
