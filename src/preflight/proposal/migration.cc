#include "preflight/proposal/migration.h"

#include <algorithm>

#include "preflight/proposal/build_choice.h"
#include "preflight/proposal/serving.h"
#include "preflight/proposal/shell_line.h"

namespace ecluse::preflight {

namespace {

/// Servers look for the app's modules where they are started; alembic only where its file says so.
std::string alembic_command(const Repository& repository, const std::string& ini) {
  const bool looks = repository.text(ini).find("prepend_sys_path") != std::string_view::npos;
  return looks ? "alembic upgrade head" : "python -m alembic upgrade head";
}

/// A project that was only set up has none, and its file names no database yet.
bool has_versions(const Repository& repository, const Part& part) {
  return std::ranges::any_of(repository.files, [&](const FileFact& file) {
    return is_below(file.path, part.root) && file.path.ends_with(".py") &&
           file_name(file.path) != "__init__.py" && file_name(folder_of(file.path)) == "versions";
  });
}

bool propose_alembic(const Repository& repository, const Part& part, Proposal& out) {
  const auto ini = in_folder(part.root, "alembic.ini");
  const auto below = in_folder(part.folder, "alembic.ini");
  if (!has_versions(repository, part)) return false;
  if (repository.find(ini)) {
    out.release.push_back(
        {in_root(part, alembic_command(repository, ini)), {ini, {1, 1}, "is there"}});
  } else if (repository.find(below)) {
    out.release.push_back(
        {started_in(part.folder, alembic_command(repository, below)), {below, {1, 1}, "is there"}});
  } else {
    return false;
  }
  return true;
}

/// "blog/migrations" of a Flask-Migrate that keeps them in its package; nothing when there is none.
std::optional<std::string> flask_migrations(const Repository& repository, const Part& part) {
  for (const auto& file : repository.files) {
    if (is_below(file.path, part.root) && file.path.ends_with("migrations/alembic.ini") &&
        !is_test_path(file.path))
      return std::string(folder_of(file.path));
  }
  return std::nullopt;
}

/// The app that a compose file gives to the container of its own that migrates.
std::optional<Proven> migrating_app(const Repository& repository) {
  for (const auto& compose : repository.composes)
    for (const auto& service : compose.services) {
      const auto* app = service.find_variable("FLASK_APP");
      const bool migrates = service.command_line().find("db upgrade") != std::string::npos;
      if (!app || !app->value || !migrates) continue;
      const std::string name(file_name(*app->value));
      if (repository.find(name))
        return Proven{name, {compose.path, app->place, "FLASK_APP: " + *app->value}};
    }
  return std::nullopt;
}

/// `flask` finds app.py and wsgi.py by itself.
void name_flask_app(const Repository& repository, const Part& part, Proposal& out) {
  if (auto named = migrating_app(repository)) {
    out.env.try_emplace("FLASK_APP", std::move(*named));
    return;
  }
  const auto serving = find_serving(part.command.value);
  auto target = serving ? target_of(*serving) : std::string();
  std::erase(target, '\'');
  const auto module = target.substr(0, target.find(':'));
  if (target.empty() || module == "app" || module == "wsgi") return;
  out.env.try_emplace("FLASK_APP", Proven{target, part.command.why});
}

void propose_flask(const Repository& repository, const Part& part, Proposal& out) {
  if (!repository.find_dependency("flask-migrate")) return;
  const auto folder = flask_migrations(repository, part);
  if (!folder) return;
  const auto own = folder->substr(part.root.empty() ? 0 : part.root.size() + 1);
  const std::string place = own == "migrations" ? "" : " -d " + shell_word(own);
  const Evidence why{*folder + "/alembic.ini", {1, 1}, "is there"};
  out.release.push_back({in_root(part, "flask db upgrade" + place), why});
  name_flask_app(repository, part, out);
}

}  // namespace

void propose_migration(const Repository& repository, const Part& part, Proposal& out) {
  if (!propose_alembic(repository, part, out)) propose_flask(repository, part, out);
}

namespace {
/// Where the part's build puts the programs that `command` calls.
const char* programs_of(const Part& part, const std::string& command) {
  if (part.build.kind.empty() || command.starts_with("node ")) return "";
  return part.build.kind == "node" ? "node_modules/.bin/" : ".venv/bin/";
}
}  // namespace

std::string in_root(const Part& part, const std::string& command) {
  if (part.root.empty()) return command;
  return started_in(part.root, programs_of(part, command) + command);
}

std::string where_started(const Part& part, const std::string& command) {
  if (!part.below.empty()) {
    std::string up = "../";
    for (const char c : part.below)
      if (c == '/') up += "../";
    return started_in(started_folder(part), up + programs_of(part, command) + command);
  }
  if (part.folder == part.root) return in_root(part, command);
  return started_in(part.folder, command);
}

std::string manage_command(const Django& django) {
  if (folder_of(django.manage) == django.root) return "python manage.py";
  auto module = django.manage.substr(django.root.empty() ? 0 : django.root.size() + 1);
  module.resize(module.size() - 3);  // ".py"
  std::ranges::replace(module, '/', '.');
  return "python -m " + module;
}

}  // namespace ecluse::preflight
