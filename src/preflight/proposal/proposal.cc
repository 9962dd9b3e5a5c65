#include "preflight/proposal/proposal.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/text.h"
#include "preflight/proposal/build_choice.h"
#include "preflight/proposal/checks.h"
#include "preflight/proposal/parts.h"
#include "preflight/proposal/variables.h"
#include "preflight/proposal/written_folder.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

/// The last quoted word of `BASE_DIR / "staticfiles"` or `os.path.join(BASE_DIR, 'staticfiles')`.
std::string last_quoted(std::string_view text) {
  const auto end = text.find_last_of("\"'");
  if (end == std::string_view::npos || end == 0) return {};
  const auto begin = text.rfind(text[end], end - 1);
  return begin == std::string_view::npos ? std::string()
                                         : std::string(text.substr(begin + 1, end - begin - 1));
}

std::optional<Proven> setting_folder(const Django& django, std::string_view name) {
  const auto setting = django.setting(name);
  if (!setting) return std::nullopt;
  const auto& value = setting->assignment->value;
  const auto folder = value.kind == ValueKind::kString ? value.text : last_quoted(value.text);
  const bool below =
      !folder.empty() && !folder.starts_with('/') && folder.find("..") == std::string::npos;
  if (!below) return std::nullopt;
  return Proven{
      folder,
      {setting->file->path, setting->assignment->place, std::string(name) + " = " + value.text}};
}

/// A release job starts at the top, where a part's own programs are not in the PATH.
std::string in_root(const Part& part, const std::string& command) {
  if (part.root.empty()) return command;
  const auto* programs = part.build.kind.empty()     ? ""
                         : part.build.kind == "node" ? "node_modules/.bin/"
                                                     : ".venv/bin/";
  return "sh -c 'cd " + part.root + " && exec " + programs + command + "'";
}

void propose_for_django(const Repository& repository, const Django& django, Part& part,
                        Proposal& out) {
  out.release.push_back({in_root(part, "python manage.py migrate --noinput"),
                         {django.manage, {1, 1}, "a Django project"}});
  const auto statics = setting_folder(django, "STATIC_ROOT");
  if (statics) {
    out.release.push_back(
        {in_root(part, "python manage.py collectstatic --noinput"), statics->why});
    if (!repository.find_dependency("whitenoise")) part.static_folders["/static"] = *statics;
  } else {
    out.gaps.push_back(
        {"STATIC_ROOT is not set: with DEBUG off, style sheets and scripts are not served",
         "set STATIC_ROOT = BASE_DIR / \"staticfiles\"",
         {django.manage, {1, 1}, ""}});
  }
  if (auto media = setting_folder(django, "MEDIA_ROOT")) {
    media->value = "/app/" + in_folder(part.root, media->value);
    out.volumes["media"] = *media;
  }
}

/// A SQLite file lies in the release, which instances cannot write to.
void note_sqlite(const Evidence& why, Proposal& out) {
  out.gaps.push_back(
      {"the database is a SQLite file inside the release: it can be read, not written to, and each "
       "release brings its own",
       "read DATABASE_URL (dj-database-url) and declare psycopg: ecluse then gives a PostgreSQL",
       why});
}

/// `"HOST": "db"`, which no variable changes: it is the name of a container.
void note_literal_host(const Value& databases, const Evidence& why, Proposal& out) {
  const auto* first = databases.find("default");
  const auto* host = first ? first->find("HOST") : nullptr;
  if (!host || host->kind != ValueKind::kString || host->interpolated || host->text.empty()) return;
  out.gaps.push_back(
      {"the settings say where the database is (" + host->text + "), and no variable changes it",
       "read DATABASE_URL (dj-database-url), or HOST and its kin from POSTGRES_HOST...: ecluse "
       "then "
       "gives a PostgreSQL",
       why});
}

void note_database(const Stack& stack, Proposal& out) {
  if (out.services.contains("db")) return;
  for (const auto& django : stack.djangos) {
    const auto databases = django.setting("DATABASES");
    if (!databases) continue;
    const auto& value = databases->assignment->value;
    const Evidence why{databases->file->path, databases->assignment->place, "DATABASES"};
    if (value.text.find("sqlite") != std::string::npos) return note_sqlite(why, out);
    note_literal_host(value, why, out);
  }
}

/// Servers look for the app's modules where they are started; alembic only where its file says so.
std::string alembic_command(const Repository& repository, const std::string& ini) {
  const bool looks = repository.text(ini).find("prepend_sys_path") != std::string_view::npos;
  return looks ? "alembic upgrade head" : "python -m alembic upgrade head";
}

void propose_migrations(const Repository& repository, const Part& part, Proposal& out) {
  const auto ini = in_folder(part.root, "alembic.ini");
  const auto flask = in_folder(part.root, "migrations/alembic.ini");
  if (repository.find(ini))
    out.release.push_back(
        {in_root(part, alembic_command(repository, ini)), {ini, {1, 1}, "is there"}});
  else if (repository.find(flask) && repository.find_dependency("flask-migrate"))
    out.release.push_back({in_root(part, "flask db upgrade"), {flask, {1, 1}, "is there"}});
  const auto prisma = in_folder(part.root, "prisma/migrations");
  if (repository.has_folder(prisma))
    out.release.push_back({in_root(part, "prisma migrate deploy"), {prisma, {}, "is there"}});
}

bool is_literal_route(std::string_view route) {
  return std::ranges::all_of(route, [](unsigned char c) {
    return std::isalnum(c) || c == '/' || c == '-' || c == '_' || c == '.';
  });
}

/// Routes below a prefix that is said elsewhere cannot be known here.
bool is_whole_route(const Part& part, const HealthRoute& route) {
  if (part.framework == Framework::kDjango)
    return folder_of(route.path) == in_folder(part.root, "config") ||
           std::ranges::count(route.path, '/') == (part.root.empty() ? 1 : 2);
  return route.route.starts_with('/');
}

std::optional<Proven> health_page(const Stack& stack, const Part& part) {
  for (const auto& route : stack.health) {
    const bool inside = part.root.empty() || route.path.starts_with(part.root + "/");
    if (!inside || !is_literal_route(route.route) || !is_whole_route(part, route)) continue;
    const auto path = route.route.starts_with('/') ? route.route : "/" + route.route;
    return Proven{path, {route.path, route.place, "a health page"}};
  }
  return std::nullopt;
}

/// The page at "/" of the part's own routes.
std::optional<Proven> front_page(const Repository& repository, const Part& part) {
  for (const auto& file : repository.code) {
    const bool inside = part.root.empty() || file.path.starts_with(part.root + "/");
    if (!inside || file.test) continue;
    const bool urls = part.framework == Framework::kDjango && file_name(file.path) == "urls.py" &&
                      std::ranges::count(file.path, '/') == (part.root.empty() ? 1 : 2);
    for (const auto& call : file.calls) {
      const auto* route = call.value.at(0);
      if (!route || route->kind != ValueKind::kString) continue;
      const bool django = urls && route->text.empty() &&
                          (call.callee() == "path" || call.callee() == "django.urls.path") &&
                          call.value.text.find("include(") == std::string::npos;
      const bool own =
          route->text == "/" && (call.callee() == "app.get" || call.callee() == "app.route");
      if (django || own) return Proven{"/", {file.path, call.value.place, call.value.text}};
    }
    for (const auto& made : file.definitions)
      for (const auto& decorator : made.decorators)
        if (const auto* route = decorator.at(0);
            route && route->text == "/" && decorator.callee.starts_with("app."))
          return Proven{"/", {file.path, decorator.place, decorator.text}};
  }
  return std::nullopt;
}

std::optional<Proven> ready_page(const Repository& repository, const Stack& stack,
                                 const Part& part) {
  switch (part.framework) {
    case Framework::kStreamlit:
      return Proven{"/_stcore/health", {part.command.why.path, {}, "Streamlit's own health page"}};
    case Framework::kNext:
    case Framework::kStatic:
    case Framework::kDash:
      return Proven{"/", {part.command.why.path, {}, "the front page"}};
    case Framework::kDjango:
    case Framework::kFlask:
    case Framework::kFastapi:
    case Framework::kExpress:
    case Framework::kNode:
    case Framework::kProgram:
      break;
  }
  if (auto page = health_page(stack, part)) return page;
  return front_page(repository, part);
}

/// "3000", in the digits of a port.
bool is_port(std::string_view text) {
  constexpr int kPortMax = 65535;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value > 0 &&
         value <= kPortMax && text[0] != '0';
}

/// EXPOSE of the image that starts the part.
std::optional<Proven> exposed_port(const Repository& repository, const Part& part) {
  const auto* file = repository.find_dockerfile(part.command.why.path);
  const auto* stage = file ? file->final_stage() : nullptr;
  if (!stage || repository.reads_variable("PORT")) return std::nullopt;
  for (const auto* each : file->inherited(*stage)) {
    const auto port = each->text.substr(0, each->text.find('/'));  // "8080/tcp"
    if (each->name == "EXPOSE" && !port.empty() && is_port(port))
      return Proven{port, {file->path, each->place, "EXPOSE " + each->text}};
  }
  return std::nullopt;
}

/// `listen(3000)`: a port that no variable changes.
std::optional<Proven> fixed_port(const Repository& repository, const Part& part) {
  if (part.framework == Framework::kProgram) return exposed_port(repository, part);
  const bool node = part.framework == Framework::kExpress || part.framework == Framework::kNode;
  if (!node) return std::nullopt;
  for (const auto& file : repository.code) {
    const bool inside = part.root.empty() || file.path.starts_with(part.root + "/");
    if (!inside || file.test || file.language != Language::kJavaScript) continue;
    if (std::ranges::find(file.reads, "PORT", &EnvRead::name) != file.reads.end())
      return std::nullopt;
    for (const auto& call : file.calls) {
      const auto* port = call.value.at(0);
      if (ends_with_name(call.callee(), "listen") && port && port->kind == ValueKind::kNumber &&
          is_port(port->text))
        return Proven{port->text, {file.path, call.value.place, call.value.text}};
    }
  }
  return std::nullopt;
}

void propose_for_parts(const Repository& repository, const Stack& stack, Proposal& out) {
  for (auto& part : out.parts) {
    part.port = fixed_port(repository, part);
    part.ready = ready_page(repository, stack, part);
    for (const auto& django : stack.djangos)
      if (part.framework == Framework::kDjango && django.root == part.root)
        propose_for_django(repository, django, part, out);
    if (part.framework != Framework::kDjango) propose_migrations(repository, part, out);
    part.one_visitor_one_instance =
        repository.find_dependency("flask-socketio") || part.framework == Framework::kStreamlit;
  }
}

bool is_there(const Repository& repository, std::string_view path) {
  return path.empty() || repository.find(path) || repository.has_folder(path);
}

/// `COPY data/ ./data/` of what git does not hold: the author's machine has it, a clone does not.
void note_missing_copies(const Repository& repository, const Stack& stack, Proposal& out) {
  for (const auto* file : stack.dockerfiles) {
    const auto* stage = file->final_stage();
    if (!stage || !folder_of(file->path).empty())
      continue;  // a context of another file is not known
    for (const auto* each : file->inherited(*stage)) {
      const auto words = split(each->text, ' ');
      const bool plain = each->name == "COPY" && !each->json && words.size() == 2 &&
                         each->flag("from").empty() && each->heredoc.empty();
      if (!plain || words[0].find_first_of("*?[$") != std::string::npos) continue;
      if (!is_there(repository, join_path("", words[0])))
        out.gaps.push_back({words[0] + " is copied into the image and is not in the repository",
                            "commit it, or make it when building",
                            {file->path, each->place, "COPY " + each->text}});
    }
  }
}

/// What DEP-001 finds: the first start would end with it.
void note_undeclared(const Repository& repository, const Stack& stack, Proposal& out) {
  const auto found =
      find_rule("DEP-001")->find({.repository = repository, .stack = stack, .today = {}});
  if (found.empty() || out.parts.empty()) return;
  std::vector<std::string> imports;
  for (const auto& each : found)
    imports.push_back(each.evidence.substr(0, each.evidence.find(':')));
  out.gaps.push_back({"no manifest declares what the code needs: " + join(imports, ", "),
                      "add the packages to what `build:` installs",
                      {found[0].path, found[0].place, found[0].evidence}});
}

}  // namespace

Proposal propose(const Repository& repository, const Stack& stack, std::string_view folder_name) {
  Proposal out;
  out.app = app_name(folder_name);
  out.parts = find_parts(repository, stack, out.gaps);
  propose_for_parts(repository, stack, out);
  propose_variables(repository, stack, out);
  propose_written_folders(repository, out);
  propose_checks(repository, out);
  note_database(stack, out);
  note_missing_copies(repository, stack, out);
  note_undeclared(repository, stack, out);
  return out;
}

std::string app_name(std::string_view folder_name) {
  constexpr std::size_t kNameMax = 32;  // as ecluse.yml takes it
  std::string name;
  for (const unsigned char c : folder_name) {
    if (std::isalnum(c))
      name += static_cast<char>(std::tolower(c));
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  name.erase(0, std::min(name.find_first_not_of("0123456789-"), name.size()));
  if (name.size() > kNameMax) name.resize(kNameMax);
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "app" : name;
}

}  // namespace ecluse::preflight
