// MIG-001..005: how the schema comes to be.

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "preflight/rules/each_start.h"
#include "preflight/rules/own_command.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

bool has_migrations(const Repository& repository) {
  return std::ranges::any_of(repository.files, [](const FileFact& file) {
    return any_of_words(file.path, {"migrations/versions/", "alembic/versions/", "alembic.ini"}) ||
           file_name(file.path) == "alembic.ini";
  });
}

/// Migrations of Sequelize, TypeORM, Knex and the like, where their tools put them.
bool has_node_migrations(const Repository& repository) {
  return std::ranges::any_of(repository.files, [](const FileFact& file) {
    const bool script = file.path.ends_with(".js") || file.path.ends_with(".ts") ||
                        file.path.ends_with(".cjs") || file.path.ends_with(".mjs") ||
                        file.path.ends_with(".sql");
    const auto folder = file_name(folder_of(file.path));
    return script && (folder == "migrations" || folder == "migration");
  });
}

/// A script that people call by hand, not what serves.
bool is_tool(const CodeFile& file, const Scope& scope) {
  if (scope.main_guard) return true;
  const auto name = to_lower(file_name(file.path));
  if (any_of_words(name,
                   {"init_db", "create_db", "setup_db", "reset", "seed", "populate", "manage"}))
    return true;
  return any_of_words(file.path, {"scripts/", "management/commands/", "tools/", "bin/"});
}

/// "Base.metadata.create_all" of a call of it, and of `conn.run_sync(Base.metadata.create_all)`; ""
/// of others.
std::string called_method(const Call& call, std::string_view method) {
  if (ends_with_name(call.callee(), method)) return call.callee();
  const auto* given = ends_with_name(call.callee(), "run_sync") ? call.value.at(0) : nullptr;
  return given && ends_with_name(given->text, method) ? given->text : std::string{};
}

bool asks_nothing(const Call&) {
  return false;
}

/// Calls of the method that no `excused` lets pass.
Findings calls_of(const Subject& subject, std::string_view method,
                  bool (*excused)(const Call&) = asks_nothing) {
  Findings found;
  for (const auto& file : subject.repository.code) {
    if (file.test || file.path.find("versions/") != std::string::npos) continue;
    for (const auto& call : file.calls)
      if (const auto name = called_method(call, method); !name.empty() && !excused(call))
        found.push_back(at(file.path, call.value.place, name + "()"));
  }
  return found;
}

/// Looks at every call of JavaScript that is no test.
template <typename Check>
void for_scripts_calls(const Subject& subject, Check check) {
  for (const auto& file : subject.repository.code) {
    if (file.test || file.language != Language::kJavaScript) continue;
    for (const auto& call : file.calls) check(file, call);
  }
}

/// `synchronize: true` below the options of a TypeORM connection.
const Value* option_that_is_on(const Value& value, std::string_view name) {
  if (const auto* option = value.find(name); option && option->text == "true") return option;
  for (const auto& item : value.items)
    if (const auto* deeper = option_that_is_on(item.value, name)) return deeper;
  return nullptr;
}

bool connects_typeorm(const Call& call) {
  return call.callee() == "DataSource" || call.callee() == "createConnection" ||
         call.callee() == "TypeOrmModule.forRoot" ||
         call.callee() == "TypeOrmModule.forRootAsync" ||
         call.callee() == "SequelizeModule.forRoot" ||
         call.callee() == "SequelizeModule.forRootAsync";
}

/// `const options = {dialect: "postgres", synchronize: true}`, which Nest is given by its name.
void synchronized_options(const Subject& subject, Findings& found) {
  for (const auto& file : subject.repository.code) {
    if (file.test || file.language != Language::kJavaScript) continue;
    for (const auto& each : file.assignments) {
      const auto* on =
          each.value.kind == ValueKind::kMap ? each.value.find("synchronize") : nullptr;
      const bool connects = each.value.find("dialect") || each.value.find("type");
      if (on && connects && on->text == "true")
        found.push_back(at(file.path, on->place, each.target + " has synchronize: true"));
    }
  }
}

bool is_sequelize_sync(const CodeFile& file, const Call& call, bool declared) {
  const bool syncs = ends_with_name(call.callee(), "sequelize.sync") ||
                     call.callee() == "db.sync" || call.callee() == "database.sync";
  return syncs && (declared || file.imports_module("sequelize"));
}

Findings without_migrations(const Subject& subject) {
  if (has_migrations(subject.repository)) return {};
  auto found = calls_of(subject, "create_all");
  if (has_node_migrations(subject.repository)) return found;
  const bool sequelize = subject.repository.find_dependency("sequelize") != nullptr;
  const bool typeorm = subject.repository.find_dependency("typeorm") != nullptr ||
                       subject.repository.find_dependency("@nestjs/sequelize") != nullptr;
  if (typeorm) synchronized_options(subject, found);
  for_scripts_calls(subject, [&](const CodeFile& file, const Call& call) {
    if (is_sequelize_sync(file, call, sequelize))
      found.push_back(at(file.path, call.value.place, call.callee() + "()"));
    const auto* on =
        typeorm && connects_typeorm(call) ? option_that_is_on(call.value, "synchronize") : nullptr;
    if (on) found.push_back(at(file.path, on->place, call.callee() + "({synchronize: true})"));
  });
  return found;
}

/// `if prompt_bool("All data is lost?"):`
bool asks_first(const Call& call) {
  return any_of_words(to_lower(call.scope.condition), {"prompt", "confirm", "input("});
}

/// A start that empties the database before it serves.
std::optional<std::string_view> empties(std::string_view line) {
  if (trim(line).starts_with('#')) return std::nullopt;
  for (const std::string_view word :
       {"manage.py flush", "manage.py reset_db", "prisma migrate reset", "prisma db push --force",
        "sequelize db:drop", "sequelize-cli db:drop", "schema:drop", "alembic downgrade base"})
    if (line.find(word) != std::string_view::npos) return word;
  return std::nullopt;
}

Findings drops_all(const Subject& subject) {
  auto found = calls_of(subject, "drop_all", asks_first);
  auto started = at_each_start(subject, empties);
  found.insert(found.end(), started.begin(), started.end());
  for_scripts_calls(subject, [&](const CodeFile& file, const Call& call) {
    const auto* options = call.value.at(0);
    const auto* force = options ? options->find("force") : nullptr;
    if (ends_with_name(call.callee(), "sync") && force && force->text == "true")
      found.push_back(at(file.path, call.value.place, call.callee() + "({force: true})"));
    const auto* on = connects_typeorm(call) ? option_that_is_on(call.value, "dropSchema") : nullptr;
    if (on) found.push_back(at(file.path, on->place, call.callee() + "({dropSchema: true})"));
  });
  return found;
}

std::optional<std::string_view> migrates(std::string_view line) {
  if (trim(line).starts_with('#')) return std::nullopt;
  for (const std::string_view word :
       {"manage.py migrate", "alembic upgrade", "flask db upgrade", "prisma migrate deploy",
        "prisma db push", "sequelize db:migrate", "sequelize-cli db:migrate", "knex migrate",
        "migration:run", "drizzle-kit migrate", "drizzle-kit push", "manage.py db upgrade",
        "-m manage db upgrade", "-m manage migrate", "django-admin migrate", "aerich upgrade",
        "migrate-mongo up", "node-pg-migrate up", "migration:up"})
    if (line.find(word) != std::string_view::npos) return word;
  // With options between: `alembic -c db.ini upgrade head`, `flask --app shop db upgrade`.
  for (const auto& [program, does] :
       {std::pair<std::string_view, std::string_view>{"alembic ", " upgrade "},
        {"flask ", " db upgrade"}})
    if (const auto at_program = line.find(program); at_program != std::string_view::npos) {
      const auto rest = line.substr(at_program, line.find_first_of("&;|", at_program) - at_program);
      if (rest.find(does) != std::string_view::npos) return program;
    }
  return std::nullopt;
}

std::optional<std::string_view> seeds(std::string_view line) {
  if (trim(line).starts_with('#')) return std::nullopt;
  for (const std::string_view word : {"manage.py loaddata",
                                      "manage.py seed",
                                      "prisma db seed",
                                      "db:seed",
                                      "createsuperuser",
                                      "create_superuser",
                                      "npm run seed",
                                      "seed.py",
                                      "init_db.py",
                                      "populate",
                                      "seed_db",
                                      "create_admin",
                                      "initial_data",
                                      "init_data",
                                      "load_data",
                                      "sample_data",
                                      "initadmin",
                                      "init_admin",
                                      "createadmin",
                                      "ensure_superuser",
                                      "ensure_admin",
                                      "load_fixtures",
                                      "loadfixtures",
                                      "demo_data",
                                      "seed.js",
                                      "seed.ts",
                                      "seed.mjs",
                                      "seed:run",
                                      "seeder"})
    if (line.find(word) != std::string_view::npos) return word;
  return std::nullopt;
}

std::optional<std::string_view> own_command(std::string_view line, const CommandNames& names) {
  return trim(line).starts_with('#') ? std::nullopt : called_command(line, names);
}

std::optional<std::string_view> migrates_for_development(std::string_view line) {
  if (trim(line).starts_with('#')) return std::nullopt;
  return line.find("prisma migrate dev") == std::string_view::npos
             ? std::nullopt
             : std::optional<std::string_view>("prisma migrate dev");
}

Findings migrate_each(const Subject& subject) {
  const auto commands = migrating_commands(subject);
  auto found = at_each_start(subject, [&](std::string_view line) {
    const auto known = migrates(line);
    return known ? known : own_command(line, commands);
  });
  const auto instances = instances_of(subject);
  for (auto& each : found) {
    if (instances.count > 1) each.because = instances.said_by;
  }
  return found;
}

/// Functions that make accounts or sample rows, by what they are called or by what they do.
std::set<std::string> seeding_functions(const Subject& subject) {
  std::set<std::string> names;
  const auto says_so = [](const std::string& name) {
    const auto lower = to_lower(name);
    return any_of_words(lower, {"seed", "superuser", "default_admin", "create_admin", "init_admin",
                                "ensure_admin", "sample_data", "demo_data", "init_users"});
  };
  for (const auto& file : subject.repository.code) {
    if (!is_production_code(file) || file.path.find("commands/") != std::string::npos) continue;
    for (const auto& call : file.calls)
      if (!call.scope.function.empty() && call.scope.type.empty() && makes_rows(call) &&
          says_so(call.scope.function))
        names.insert(call.scope.function);
  }
  return names;
}

/// A call of one while the application is imported or made.
void seeding_imports(const Subject& subject, Findings& found) {
  const auto functions = seeding_functions(subject);
  for (const auto& file : subject.repository.code) {
    if (!is_production_code(file) || is_tool(file, {})) continue;
    for (const auto& call : file.calls) {
      const auto& inside = call.scope.function;
      const bool starts = (inside.empty() && call.scope.type.empty()) || inside == "create_app" ||
                          inside == "make_app" || (inside == "ready" && !call.scope.type.empty());
      if (starts && !call.scope.main_guard && functions.contains(call.callee()))
        found.push_back(at(file.path, call.value.place, call.callee() + "() at every start"));
    }
  }
}

Findings seed_each(const Subject& subject) {
  const auto commands = seeding_commands(subject);
  auto found = at_each_start(subject, [&](std::string_view line) {
    const auto known = seeds(line);
    return known ? known : own_command(line, commands);
  });
  seeding_imports(subject, found);
  return found;
}

Findings develop_migration(const Subject& subject) {
  return at_each_start(subject, migrates_for_development);
}

constexpr std::array kRules = {
    Rule{"MIG-001", Severity::kMajor, "The schema is made without migrations",
         "create_all makes missing tables and never changes one: the second release meets the "
         "first one's schema.",
         "Use the framework's migrations (Alembic, Flask-Migrate) and run them in `release:`.",
         without_migrations},
    Rule{"MIG-002", Severity::kMajor, "Every table can be dropped at run time",
         "One call, one wrong environment, and the data is gone.",
         "Delete it, or move it to a script that refuses to run outside development.", drops_all},
    Rule{"MIG-003", Severity::kMajor, "Every instance migrates when it starts",
         "Measured: of 15 processes that started at once, 10 failed; and a failed migration takes "
         "the whole site down.",
         "Move it to `release:` in ecluse.yml: once per release, under a lock.", migrate_each},
    Rule{"MIG-004", Severity::kWarn, "Sample data or accounts are made at every start",
         "Deleted rows come back, passwords are reset, and every instance does it at once.",
         "Run it once by hand: `ecluse run -- COMMAND`.", seed_each},
    Rule{"MIG-005", Severity::kMajor, "`prisma migrate dev` in production",
         "It may reset the database when histories differ, and asks questions nobody answers.",
         "`prisma migrate deploy`, in `release:`.", develop_migration},
};

}  // namespace

std::span<const Rule> migration_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
