#include "preflight/proposal/proposal.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "preflight/proposal/build_choice.h"
#include "preflight/proposal/checks.h"
#include "preflight/proposal/container_choice.h"
#include "preflight/proposal/import_root.h"
#include "preflight/proposal/listening_port.h"
#include "preflight/proposal/literal_host.h"
#include "preflight/proposal/migration.h"
#include "preflight/proposal/node_migration.h"
#include "preflight/proposal/parts.h"
#include "preflight/proposal/python_version.h"
#include "preflight/proposal/sqlite_file.h"
#include "preflight/proposal/start_job.h"
#include "preflight/proposal/variables.h"
#include "preflight/proposal/written_folder.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

/// "site/static" of `BASE_DIR / "site" / "static"` or `os.path.join(BASE_DIR, 'site', 'static')`;
/// only the last word where others lead up.
std::string quoted_path(std::string_view text) {
  std::vector<std::string> words;
  for (auto begin = text.find_first_of("\"'"); begin != std::string_view::npos;) {
    const auto end = text.find(text[begin], begin + 1);
    if (end == std::string_view::npos) break;
    words.emplace_back(text.substr(begin + 1, end - begin - 1));
    begin = text.find_first_of("\"'", end + 1);
  }
  if (words.empty()) return {};
  const auto path = join(words, "/");
  return path.find("..") == std::string::npos ? path : words.back();
}

std::optional<Proven> setting_folder(const Django& django, std::string_view name) {
  const auto setting = django.setting(name);
  if (!setting) return std::nullopt;
  const auto& value = setting->assignment->value;
  const auto folder = value.kind == ValueKind::kString ? value.text : quoted_path(value.text);
  const bool below =
      !folder.empty() && !folder.starts_with('/') && folder.find("..") == std::string::npos;
  if (!below) return std::nullopt;
  return Proven{
      folder,
      {setting->file->path, setting->assignment->place, std::string(name) + " = " + value.text}};
}

void propose_for_django(const Repository& repository, const Django& django, Part& part,
                        Proposal& out) {
  const auto manage = manage_command(django);
  out.release.push_back({where_started(part, manage + " migrate --noinput"),
                         {django.manage, {1, 1}, "a Django project"}});
  auto statics = setting_folder(django, "STATIC_ROOT");
  if (statics) {
    statics->value = in_folder(part.below, statics->value);
    out.release.push_back({where_started(part, manage + " collectstatic --noinput"), statics->why});
    if (!repository.find_dependency("whitenoise")) part.static_folders["/static"] = *statics;
  } else {
    out.gaps.push_back(
        {"STATIC_ROOT is not set: with DEBUG off, style sheets and scripts are not served",
         "set STATIC_ROOT = BASE_DIR / \"staticfiles\"",
         {django.manage, {1, 1}, ""}});
  }
  if (auto media = setting_folder(django, "MEDIA_ROOT")) {
    media->value = "/app/" + in_folder(started_folder(part), media->value);
    out.volumes["media"] = *media;
  }
}

bool is_literal_route(std::string_view route) {
  return std::ranges::all_of(route, [](unsigned char c) {
    return std::isalnum(c) || c == '/' || c == '-' || c == '_' || c == '.';
  });
}

/// "shop/urls.py" of the project that is started there: one folder down.
bool is_own_urls(const Part& part, std::string_view path) {
  const auto folder = started_folder(part);
  return std::ranges::count(path, '/') ==
         std::ranges::count(folder, '/') + (folder.empty() ? 1 : 2);
}

/// Routes below a prefix that is said elsewhere cannot be known here.
bool is_whole_route(const Part& part, const HealthRoute& route) {
  if (part.framework == Framework::kDjango)
    return folder_of(route.path) == in_folder(started_folder(part), "config") ||
           is_own_urls(part, route.path);
  return route.route.starts_with('/');
}

std::optional<Proven> health_page(const Stack& stack, const Part& part) {
  for (const auto& route : stack.health) {
    if (!is_below(route.path, part.root) || !is_literal_route(route.route) ||
        !is_whole_route(part, route))
      continue;
    const auto path = route.route.starts_with('/') ? route.route : "/" + route.route;
    return Proven{path, {route.path, route.place, "a health page"}};
  }
  return std::nullopt;
}

/// "shop.urls" of `path("", include("shop.urls"))`.
std::string included_at_top(const Value& call) {
  const auto* route = call.at(0);
  const auto* view = call.at(1);
  const bool top = route && route->kind == ValueKind::kString && route->text.empty();
  if (!top || !view || !ends_with_name(view->callee, "include")) return {};
  const auto* module = view->at(0);
  return module && module->kind == ValueKind::kString ? module->text : std::string();
}

/// Is `path` the project's own list of addresses, or one that it takes in at its top?
bool is_top_list(const Repository& repository, const Stack& stack, const Part& part,
                 const std::string& path) {
  if (part.framework != Framework::kDjango || file_name(path) != "urls.py") return false;
  for (const auto& django : stack.djangos) {
    if (django.root != started_folder(part) || django.wsgi.empty()) continue;
    const auto own = in_folder(folder_of(django.wsgi), "urls.py");
    if (path == own) return true;
    const auto* file = repository.find_code(own);
    if (!file) return is_own_urls(part, path);
    for (const auto& call : file->calls) {
      auto module = included_at_top(call.value);
      std::ranges::replace(module, '.', '/');
      if (!module.empty() && path == in_folder(django.root, module + ".py")) return true;
    }
  }
  return false;
}

/// The page at "/" of the part's own routes.
std::optional<Proven> front_page(const Repository& repository, const Stack& stack,
                                 const Part& part) {
  for (const auto& file : repository.code) {
    if (!is_below(file.path, part.root) || file.test) continue;
    const bool urls = is_top_list(repository, stack, part, file.path);
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
  if (auto page = checked_page(repository, stack, part)) return page;
  if (auto page = health_page(stack, part)) return page;
  return front_page(repository, stack, part);
}

bool is_python(const BuildProposal& build) {
  return build.kind == "python" || build.kind == "uv" || build.kind == "poetry";
}

/// The Python that must be there, of a lock file or a pyproject.toml.
const Proven* python_named(const BuildProposal& build) {
  if (build.version) return &*build.version;
  return build.source.value.starts_with("3.") ? &build.source : nullptr;
}

void propose_python(const Repository& repository, const Stack& stack, Part& part, Proposal& out) {
  const auto* demanded = python_named(part.build);
  if (!demanded) {
    part.build.prefer = preferred_python(repository, stack, part.root);
    return;
  }
  out.gaps.push_back({"Python " + demanded->value + " is needed: the project " +
                          demanded->why.seen +
                          ", and the oldest server that ecluse runs on has 3.11",
                      "where `python" + demanded->value +
                          "` is not there, install it in /usr/local or /opt/pyenv, or let the "
                          "project take the one that is",
                      demanded->why});
}

void propose_port(const Repository& repository, Part& part, Proposal& out) {
  auto heard = listening_port(repository, part);
  if (!heard) return;
  if (!heard->variable.empty()) out.env[heard->variable] = heard->port;
  part.port = std::move(heard->port);
}

void propose_for_parts(const Repository& repository, const Stack& stack, Proposal& out) {
  for (auto& part : out.parts) {
    if (is_python(part.build)) propose_python(repository, stack, part, out);
    propose_port(repository, part, out);
    part.ready = ready_page(repository, stack, part);
    for (const auto& django : stack.djangos)
      if (part.framework == Framework::kDjango && django.root == started_folder(part))
        propose_for_django(repository, django, part, out);
    if (part.framework != Framework::kDjango) propose_migration(repository, part, out);
    propose_node_migration(repository, part, out);
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

/// What an image puts on PYTHONPATH, so that its own start command finds its modules here, too.
void propose_python_path(const Repository& repository, const Stack& stack, Proposal& out) {
  auto path = python_path(repository, stack);
  if (!path) return;
  path->value = "/app/" + path->value;
  out.env["PYTHONPATH"] = std::move(*path);
}

}  // namespace

std::string started_folder(const Part& part) {
  return part.below.empty() ? part.folder : in_folder(part.folder, part.below);
}

Proposal propose(const Repository& repository, const Stack& stack, std::string_view folder_name) {
  Proposal out;
  out.app = app_name(folder_name);
  out.parts = find_parts(repository, stack, out.gaps);
  propose_for_parts(repository, stack, out);
  propose_start_jobs(repository, stack, out);
  propose_python_path(repository, stack, out);
  propose_kept_folders(repository, stack, out);
  propose_variables(repository, stack, out);
  propose_sqlite_file(repository, stack, out);
  propose_written_folders(repository, out);
  propose_checks(repository, out);
  note_literal_host(repository, stack, out);
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
