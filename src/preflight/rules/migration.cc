// MIG-001..005: how the schema comes to be.

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "preflight/facts/makefile.h"
#include "preflight/facts/package_script.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

bool has_migrations(const Repository& repository) {
  return std::ranges::any_of(repository.files, [](const FileFact& file) {
    return any_of_words(file.path, {"migrations/versions/", "alembic/versions/", "alembic.ini"}) ||
           file_name(file.path) == "alembic.ini";
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

Findings calls_of(const Subject& subject, std::string_view method, bool tools) {
  Findings found;
  for (const auto& file : subject.repository.code) {
    if (file.test || file.path.find("versions/") != std::string::npos) continue;
    for (const auto& call : file.calls) {
      if (!ends_with_name(call.callee(), method) || (!tools && is_tool(file, call.scope))) continue;
      found.push_back(at(file.path, call.value.place, call.callee() + "()"));
    }
  }
  return found;
}

Findings without_migrations(const Subject& subject) {
  if (has_migrations(subject.repository)) return {};
  auto found = calls_of(subject, "create_all", true);
  const bool sequelize = subject.repository.find_dependency("sequelize") != nullptr;
  for (const auto& file : subject.repository.code) {
    if (file.test || file.language != Language::kJavaScript ||
        !(sequelize || file.imports_module("sequelize")))
      continue;
    for (const auto& call : file.calls)
      if (call.callee() == "sequelize.sync" || call.callee() == "db.sequelize.sync")
        found.push_back(at(file.path, call.value.place, call.callee() + "()"));
  }
  return found;
}

Findings drops_all(const Subject& subject) {
  auto found = calls_of(subject, "drop_all", true);
  for (const auto& file : subject.repository.code) {
    if (file.test || file.language != Language::kJavaScript) continue;
    for (const auto& call : file.calls) {
      const auto* options = call.value.at(0);
      const auto* force = options ? options->find("force") : nullptr;
      if (ends_with_name(call.callee(), "sync") && force && force->text == "true")
        found.push_back(at(file.path, call.value.place, call.callee() + "({force: true})"));
    }
  }
  return found;
}

std::optional<std::string_view> migrates(std::string_view line) {
  if (trim(line).starts_with('#')) return std::nullopt;
  for (const std::string_view word :
       {"manage.py migrate", "alembic upgrade", "flask db upgrade", "prisma migrate deploy",
        "prisma db push", "sequelize db:migrate", "sequelize-cli db:migrate", "knex migrate",
        "migration:run", "drizzle-kit migrate", "drizzle-kit push"})
    if (line.find(word) != std::string_view::npos) return word;
  return std::nullopt;
}

std::optional<std::string_view> seeds(std::string_view line) {
  if (trim(line).starts_with('#')) return std::nullopt;
  for (const std::string_view word :
       {"manage.py loaddata", "manage.py seed", "prisma db seed", "db:seed", "createsuperuser",
        "create_superuser", "npm run seed", "seed.py", "init_db.py", "populate", "seed_db",
        "create_admin", "initial_data", "init_data", "load_data", "sample_data"})
    if (line.find(word) != std::string_view::npos) return word;
  return std::nullopt;
}

std::optional<std::string_view> migrates_for_development(std::string_view line) {
  if (trim(line).starts_with('#')) return std::nullopt;
  return line.find("prisma migrate dev") == std::string_view::npos
             ? std::nullopt
             : std::optional<std::string_view>("prisma migrate dev");
}

using Word = std::optional<std::string_view> (*)(std::string_view);

/// `make start`: the line of the recipes that has the word. A container starts in its folder or at
/// the top.
std::optional<std::string> made_by(const Subject& subject, std::string_view folder,
                                   std::string_view line, Word word) {
  const auto below = std::string(folder) + (folder.empty() ? "" : "/") + "Makefile";
  for (const auto& path : {below, std::string("Makefile")}) {
    const auto commands = follow_make(subject.repository.text(path), line);
    for (const auto each : lines_of(commands))
      if (word(each)) return std::string(trim(line)) + ": " + std::string(each);
  }
  return std::nullopt;
}

/// `yarn start:prod`: the word stands in what the folder's package.json means by it. What `start`
/// itself does is told of there.
bool stands_behind(const Subject& subject, std::string_view folder, std::string_view line,
                   Word word) {
  if (made_by(subject, folder, line, word)) return true;
  const auto* package = subject.repository.package_of(folder);
  if (!package) return false;
  const auto* start = package->find_script("start");
  return word(follow_scripts(*package, line)) &&
         !(start && word(follow_scripts(*package, start->command)));
}

void look_into_script(const Subject& subject, const ScriptFile& script, Word word,
                      Findings& found) {
  int number = 0;
  for (const auto line : lines_of(script.text)) {
    ++number;
    if (const auto hit = word(line))
      found.push_back(
          at(script.path, {number, static_cast<int>(line.find(*hit)) + 1}, std::string(line)));
    else if (auto made = made_by(subject, folder_of(script.path), line, word))
      found.push_back(at(script.path, {number, 1}, std::move(*made)));
    else if (stands_behind(subject, folder_of(script.path), line, word))
      found.push_back(at(script.path, {number, 1}, std::string(line)));
  }
}

void look_into_images(const Subject& subject, Word word, Findings& found) {
  for (const auto* file : subject.stack.dockerfiles) {
    const auto* stage = file->final_stage();
    if (!stage) continue;
    for (const auto* name : {"ENTRYPOINT", "CMD"}) {
      const auto* each = stage->last(name);
      if (!each) continue;
      const auto line = each->json ? join(*each->json, " ") : each->text;
      if (word(line) || stands_behind(subject, folder_of(file->path), line, word))
        found.push_back(at(file->path, each->place, each->name + " " + each->text));
      if (const auto* script = started_script(subject.repository, *file, each->argv()))
        look_into_script(subject, *script, word, found);
    }
  }
}

void look_into_composes(const Subject& subject, Word word, Findings& found) {
  for (const auto* compose : subject.stack.composes) {
    for (const auto& service : compose->services) {
      const auto text = service.command_line();
      const bool serves = !service.ports.empty() ||
                          any_of_words(text, {"gunicorn", "uvicorn", "runserver", "start"});
      const auto folder = service.context ? join_path(folder_of(compose->path), *service.context)
                                          : std::string(folder_of(compose->path));
      if (serves && (word(text) || stands_behind(subject, folder, text, word)))
        found.push_back(at(compose->path, service.command_place, text));
      if (const auto* script = started_script(subject.repository, *compose, service))
        look_into_script(subject, *script, word, found);
    }
  }
}

/// What runs each time an instance starts: the image's start, compose commands, Procfile's web,
/// package.json's start.
Findings at_each_start(const Subject& subject, Word word) {
  Findings found;
  look_into_images(subject, word, found);
  look_into_composes(subject, word, found);
  auto lines =
      lines_like(subject.repository, "Procfile", [&](std::string_view line) -> std::optional<int> {
        if (!line.starts_with("web:")) return std::nullopt;
        if (const auto hit = word(line)) return static_cast<int>(line.find(*hit)) + 1;
        return made_by(subject, "", line.substr(4), word) ? std::optional(1) : std::nullopt;
      });
  found.insert(found.end(), lines.begin(), lines.end());
  for (const auto& manifest : subject.repository.manifests) {
    const auto* start = manifest.find_script("start");
    if (start && word(follow_scripts(manifest, start->command)))
      found.push_back(at(manifest.path, start->place, start->command));
  }
  return found;
}

Findings migrate_each(const Subject& subject) {
  auto found = at_each_start(subject, migrates);
  const auto instances = instances_of(subject);
  for (auto& each : found) {
    if (instances.count > 1) each.because = instances.said_by;
  }
  return found;
}

bool makes_rows(const Call& call) {
  for (const auto* name :
       {"create_superuser", "create_user", "objects.create", "bulk_create", "get_or_create",
        "update_or_create", "set_password", "session.add", "session.add_all", "insert_many"})
    if (ends_with_name(call.callee(), name)) return true;
  return false;
}

/// Commands of the project's own (management/commands/NAME.py) that make rows.
std::set<std::string> seeding_commands(const Subject& subject) {
  std::set<std::string> names;
  for (const auto& file : subject.repository.code) {
    const auto name = file_name(file.path);
    if (file_name(folder_of(file.path)) == "commands" &&
        std::ranges::any_of(file.calls, makes_rows))
      names.emplace(name.substr(0, name.rfind('.')));
  }
  return names;
}

/// `manage.py initadmin` in a script that starts an instance.
void seeding_scripts(const Subject& subject, Findings& found) {
  const auto commands = seeding_commands(subject);
  for (const auto* file : subject.stack.dockerfiles) {
    const auto* stage = file->final_stage();
    for (const auto* name : {"ENTRYPOINT", "CMD"}) {
      const auto* each = stage ? stage->last(name) : nullptr;
      const auto* script = each ? started_script(subject.repository, *file, each->argv()) : nullptr;
      if (!script) continue;
      for (const auto& command : script->script.commands)
        if (command.words.size() > 2 && command.words[1].ends_with("manage.py") &&
            commands.contains(command.words[2]))
          found.push_back(at(script->path, command.place, command.text));
    }
  }
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
  auto found = at_each_start(subject, seeds);
  seeding_scripts(subject, found);
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
