#include "preflight/facts/stack.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace ecluse::preflight {

namespace {

bool has_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words,
                             [&](auto word) { return text.find(word) != std::string_view::npos; });
}

std::string module_file(std::string_view root, std::string_view module) {
  std::string path(module);
  std::ranges::replace(path, '.', '/');
  return root.empty() ? path : std::string(root) + "/" + path;
}

/// `os.environ.setdefault("DJANGO_SETTINGS_MODULE", "x.settings")`
const Value* settings_module(const CodeFile* file) {
  if (!file) return nullptr;
  for (const auto& call : file->calls) {
    const auto* name = call.value.at(0);
    const bool sets = ends_with_name(call.callee(), "setdefault") && name &&
                      name->text == "DJANGO_SETTINGS_MODULE";
    const auto* module = call.value.at(1);
    if (sets && module && module->kind == ValueKind::kString) return module;
  }
  for (const auto& each : file->assignments) {
    if (each.target == "os.environ[DJANGO_SETTINGS_MODULE]") return &each.value;
  }
  return nullptr;
}

/// `setdefault("DJANGO_SETTINGS_MODULE", chosen)`: which one is not written there.
bool chooses_settings(const CodeFile* file) {
  return file && std::ranges::any_of(file->calls, [](const Call& call) {
           const auto* name = call.value.at(0);
           return ends_with_name(call.callee(), "setdefault") && name &&
                  name->text == "DJANGO_SETTINGS_MODULE";
         });
}

/// "shop.settings" of "shop/wsgi.py".
std::string settings_beside(const std::string& root, const std::string& wsgi) {
  auto folder = std::string(folder_of(wsgi)).substr(root.empty() ? 0 : root.size() + 1);
  std::ranges::replace(folder, '/', '.');
  return folder + ".settings";
}

/// `from .base import *`: the files that `file` takes its settings from, then itself.
void add_settings(const Repository& repository, const std::string& root, const std::string& path,
                  std::vector<const CodeFile*>& chain, int depth = 0) {
  const auto* file = repository.find_code(path);
  if (!file || depth > 4 || std::ranges::find(chain, file) != chain.end()) return;
  for (const auto& each : file->imports) {
    const bool all = std::ranges::find(each.names, "*") != each.names.end() || each.names.empty();
    const auto name = each.module.find_first_not_of('.');
    if (!all || name == std::string::npos) continue;
    const auto folder = name == 0 ? root : std::string(folder_of(path));
    const auto taken = module_file(folder, each.module.substr(name)) + ".py";
    // `if ENV == "prod": from .prod import * else: from .dev import *`
    if (!is_development_path(taken)) add_settings(repository, root, taken, chain, depth + 1);
  }
  chain.push_back(file);
}

/// settings.py, or of a package settings/ the file for production.
std::string settings_path(const Repository& repository, std::string module_path) {
  // f"shop.settings.{ENV}": one of the package's files, chosen when it starts.
  if (module_path.ends_with("/{}")) module_path.resize(module_path.size() - 3);
  if (repository.find(module_path + ".py")) return module_path + ".py";
  for (const auto* name : {"production", "prod", "base", "common", "__init__"}) {
    const auto path = module_path + "/" + name + ".py";
    if (repository.find_code(path)) return path;
  }
  return {};
}

/// In a package settings/, the file for production wins over what manage.py names.
std::string production_sibling(const Repository& repository, const std::string& path) {
  for (const auto* name : {"production", "prod"}) {
    const auto sibling = std::string(folder_of(path)) + "/" + name + ".py";
    if (file_name(folder_of(path)) == "settings" && repository.find_code(sibling)) return sibling;
  }
  return path;
}

std::string find_wsgi(const Repository& repository, const std::string& root) {
  for (const auto& file : repository.files) {
    const auto folder = folder_of(file.path);
    if (file_name(file.path) == "wsgi.py" && !folder.empty() && folder_of(folder) == root)
      return file.path;
  }
  return {};
}

/// `from shop import ...`, and "shop.site.settings", where manage.py lies in shop/ itself.
bool is_imported_from_above(const Repository& repository, const Django& made) {
  const auto found = [&](std::string_view folder) {
    const auto path = module_file(folder, made.manage_settings);
    return repository.find(path + ".py") || repository.find(path + "/__init__.py");
  };
  return !made.root.empty() && !made.manage_settings.empty() && !found(made.root) &&
         found(folder_of(made.root));
}

Django read_django(const Repository& repository, const FileFact& manage) {
  Django made;
  made.manage = manage.path;
  made.root = std::string(folder_of(manage.path));
  made.wsgi = find_wsgi(repository, made.root);
  if (const auto* module = settings_module(repository.find_code(manage.path)))
    made.manage_settings = module->text;
  if (is_imported_from_above(repository, made)) made.root = std::string(folder_of(made.root));
  if (const auto* module = settings_module(repository.find_code(made.wsgi))) {
    made.wsgi_settings = module->text;
    made.wsgi_settings_place = module->place;
  }
  const bool chosen = made.manage_settings.empty() && !made.wsgi.empty() &&
                      chooses_settings(repository.find_code(manage.path));
  if (chosen) made.manage_settings = settings_beside(made.root, made.wsgi);
  const auto& module = made.wsgi_settings.empty() ? made.manage_settings : made.wsgi_settings;
  const auto path = settings_path(repository, module_file(made.root, module));
  add_settings(repository, made.root, production_sibling(repository, path), made.settings);
  return made;
}

void find_djangos(const Repository& repository, Stack& stack) {
  for (const auto& file : repository.files) {
    const bool near = std::ranges::count(file.path, '/') <= 2;
    if (file_name(file.path) == "manage.py" && near && !is_test_path(file.path)) {
      auto made = read_django(repository, file);
      if (!made.manage_settings.empty()) stack.djangos.push_back(std::move(made));
    }
  }
}

struct Constructor {
  std::string_view callee;
  Framework framework;
  std::string_view module;  ///< that the file must import
};
constexpr std::array kConstructors = {
    Constructor{"Flask", Framework::kFlask, "flask"},
    Constructor{"FastAPI", Framework::kFastapi, "fastapi"},
    Constructor{"Dash", Framework::kDash, "dash"},
    Constructor{"express", Framework::kExpress, "express"},
    Constructor{"NestFactory.create", Framework::kNode, "@nestjs/core"},
};

/// `require("express")()`
bool makes_what_it_requires(const Value& made, std::string_view module) {
  if (made.callee != "require()") return false;
  const auto quoted = made.text.find(module);
  return quoted != std::string::npos && made.text.find(module, quoted + 1) == std::string::npos;
}

bool constructs(const CodeFile& file, const Value& made, const Constructor& known) {
  return (ends_with_name(made.callee, known.callee) && file.imports_module(known.module)) ||
         makes_what_it_requires(made, known.module);
}

void find_application(const CodeFile& file, Stack& stack) {
  for (const auto& each : file.assignments) {
    if (each.value.kind != ValueKind::kCall) continue;
    for (const auto& known : kConstructors) {
      if (!constructs(file, each.value, known)) continue;
      const auto object = each.scope.function.empty() ? each.target : each.scope.function + "()";
      stack.applications.push_back({known.framework, file.path, object, each.place});
    }
  }
}

void find_applications(const Repository& repository, Stack& stack) {
  for (const auto& file : repository.code) {
    if (!file.test) find_application(file, stack);
  }
  for (const auto& module : repository.imports) {
    const bool streamlit = std::ranges::any_of(
        module.imports, [](const Import& each) { return each.module == "streamlit"; });
    if (streamlit && !is_test_path(module.path))
      stack.applications.push_back({Framework::kStreamlit, module.path, "", {1, 1}});
  }
  for (const auto& manifest : repository.manifests) {
    if (manifest.kind == ManifestKind::kNode && manifest.find("next"))
      stack.applications.push_back({Framework::kNext, manifest.path, "", {1, 1}});
  }
}

bool is_health_word(std::string_view segment) {
  if (segment == "up") return true;  // as Rails calls it
  if (contains_word(segment, "ping")) return true;
  return has_any(segment, {"health", "ready", "readiness", "liveness", "livez", "heartbeat"}) &&
         segment.find("already") == std::string_view::npos;
}

/// "/health", "/api/health/db"; "/health/records" is about somebody's health.
bool is_health_route(std::string_view route) {
  static constexpr std::array kParts = {"live",     "db",     "database", "startup",
                                        "detailed", "status", "full",     "check"};
  auto plain = to_lower(route);
  std::erase_if(plain, [](char c) { return c == '^' || c == '$' || c == '?'; });  // "ready/?$"
  auto segments = split(plain, '/');
  std::erase(segments, "");
  if (segments.empty()) return false;
  if (is_health_word(segments.back())) return true;
  // "/status", "/api/v1/status"; "/orders/status" is an order's.
  if (segments.back() == "status" &&
      std::all_of(segments.begin(), segments.end() - 1, [](std::string_view each) {
        return each == "api" || (each.size() == 2 && each[0] == 'v');
      }))
    return true;
  return segments.size() > 1 && is_health_word(segments[segments.size() - 2]) &&
         std::ranges::find(kParts, segments.back()) != kParts.end();
}

/// `Blueprint("up", url_prefix="/up")`, `include_router(health, prefix="/api/health")`: the page is
/// the part's own "/".
const Value* health_prefix(const Call& call) {
  for (const auto* name : {"Blueprint", "APIRouter", "include_router", "register_blueprint"}) {
    if (!ends_with_name(call.callee(), name)) continue;
    const auto* given = call.value.find("url_prefix");
    const auto* prefix = given ? given : call.value.find("prefix");
    if (!prefix || prefix->kind != ValueKind::kString || !is_health_route(prefix->text))
      return nullptr;
    const auto around = split(prefix->text.substr(0, prefix->text.rfind('/')), '/');
    const bool general = std::ranges::all_of(around, [](std::string_view each) {
      return each.empty() || each == "api" || (each.size() == 2 && each[0] == 'v');
    });
    return general ? prefix : nullptr;
  }
  return nullptr;
}

constexpr std::array kRouteCalls = {"path",         "re_path",       "url", "get", "route",
                                    "add_url_rule", "add_api_route", "all", "use", "add_resource"};

bool is_route_call(std::string_view callee) {
  return std::ranges::any_of(kRouteCalls,
                             [&](const char* name) { return ends_with_name(callee, name); });
}

std::string handler_of(const Value& call) {
  const auto* handler = call.at(1);
  if (!handler) return {};
  const auto& text = handler->kind == ValueKind::kCall ? handler->callee : handler->text;
  auto name = text.substr(text.rfind('.') == std::string::npos ? 0 : text.rfind('.') + 1);
  if (text.ends_with(".as_view")) name = text.substr(0, text.size() - 8);
  return name.substr(name.rfind('.') == std::string::npos ? 0 : name.rfind('.') + 1);
}

/// `app.get("/health", (req, res) => ...)`, `path("health/", lambda request: ...)`: the source of
/// that function.
std::string function_of(const Value& call) {
  const auto* handler = call.at(1);
  const bool inlined =
      handler && handler->kind == ValueKind::kOther &&
      (has_any(handler->text, {"=>", "function"}) || handler->text.starts_with("lambda"));
  return inlined ? handler->text : std::string{};
}

void find_health(const CodeFile& file, Stack& stack) {
  for (const auto& call : file.calls) {
    if (const auto* prefix = health_prefix(call))
      stack.health.push_back({file.path, prefix->text, "", "", call.value.place});
    const auto* route = call.value.at(0);
    if (!route || route->kind != ValueKind::kString || !is_route_call(call.callee())) continue;
    // A client asks health pages of others: requests.get("http://..."), not a route of ours.
    if (route->text.find("://") != std::string::npos || route->interpolated) continue;
    if (has_any(call.callee(), {"requests", "httpx", "axios", "client", "fetch", "os.path",
                                "environ", "cache", "self.client"}))
      continue;
    if (is_health_route(route->text))
      stack.health.push_back({file.path, route->text, handler_of(call.value),
                              function_of(call.value), call.value.place});
  }
  for (const auto& made : file.definitions) {
    for (const auto& decorator : made.decorators) {
      const auto* route = decorator.at(0);
      if (route && route->kind == ValueKind::kString && is_route_call(decorator.callee) &&
          is_health_route(route->text)) {
        std::erase_if(stack.health, [&](const HealthRoute& each) {
          return each.path == file.path && each.place == decorator.place;
        });
        stack.health.push_back({file.path, route->text, made.name, "", decorator.place});
      }
    }
  }
}

/// `@Controller("health")` of Nest, whose first method answers.
void find_controller(const CodeFile& file, Stack& stack) {
  for (const auto& call : file.calls) {
    const auto* given = call.callee() == "Controller" ? call.value.at(0) : nullptr;
    const auto* route = given && given->kind == ValueKind::kMap ? given->find("path") : given;
    if (!route || route->kind != ValueKind::kString || !is_health_route("/" + route->text))
      continue;
    const auto method = std::ranges::find_if(file.definitions, [&](const Definition& each) {
      return each.place > call.value.place && each.name != "constructor" && each.name != "=>";
    });
    stack.health.push_back({file.path, "/" + route->text,
                            method == file.definitions.end() ? "" : method->name, "",
                            call.value.place});
  }
}

void find_all_health(const Repository& repository, Stack& stack) {
  for (const auto& file : repository.code) {
    if (file.test) continue;
    find_health(file, stack);
    find_controller(file, stack);
  }
  for (const auto& file : repository.files) {
    const bool next = has_any(file.path, {"api/health", "api/healthz", "api/ping", "api/ready"}) &&
                      has_any(file.path, {"route.", "pages/api/"});
    if (next) stack.health.push_back({file.path, "/api/health", "", "", {1, 1}});
  }
  if (repository.find_dependency("django-health-check"))
    stack.health.push_back({"", "/health/", "django-health-check", "", {}});
}

}  // namespace

std::string_view to_string(Framework framework) {
  switch (framework) {
    case Framework::kDjango:
      return "Django";
    case Framework::kFlask:
      return "Flask";
    case Framework::kFastapi:
      return "FastAPI";
    case Framework::kStreamlit:
      return "Streamlit";
    case Framework::kDash:
      return "Dash";
    case Framework::kExpress:
      return "Express";
    case Framework::kNext:
      return "Next";
    case Framework::kNode:
      return "Node";
    case Framework::kStatic:
      return "static files";
    case Framework::kProgram:
      return "a program of its own";
  }
  return "";
}

std::optional<Django::Setting> Django::setting(std::string_view name) const {
  std::optional<Setting> development;  // taken where there is no other
  for (auto file = settings.rbegin(); file != settings.rend(); ++file) {
    const auto& list = (*file)->assignments;
    for (auto each = list.rbegin(); each != list.rend(); ++each) {
      if (each->target != name || !each->scope.type.empty()) continue;
      if (!is_for_development(each->scope)) return Setting{*file, &*each};
      if (!development) development = Setting{*file, &*each};
    }
  }
  return development;
}

bool is_for_development(const Scope& scope) {
  const auto lower = to_lower(scope.condition);
  return !lower.starts_with("not ") && has_any(lower, {"debug", "dev", "test", "local"});
}

bool Stack::has(Framework framework) const {
  if (framework == Framework::kDjango) return !djangos.empty();
  return std::ranges::find(applications, framework, &Application::framework) != applications.end();
}

namespace {
/// "compose/local/shop/Dockerfile", "docker/development/Dockerfile": a folder says whom it is for.
bool names_development(std::string_view path) {
  if (is_development_path(path)) return true;
  for (auto folder = folder_of(path); !folder.empty(); folder = folder_of(folder)) {
    const auto name = file_name(folder);
    if (name == "dev" || name == "development" || name == "local") return true;
  }
  return false;
}

/// `docker-compose.yml` that starts a development server beside a docker-compose.prod.yml that
/// names every service of it by itself: that one is for production, and this one is not.
bool is_replaced(const Repository& repository, const Compose& file) {
  if (!file.runs_development) return false;
  return std::ranges::any_of(repository.composes, [&](const Compose& other) {
    const bool production = &other != &file && folder_of(other.path) == folder_of(file.path) &&
                            has_any(to_lower(file_name(other.path)), {"prod", "deploy", "stack"});
    return production && std::ranges::any_of(other.services, [&](const ComposeService& each) {
             return file.find(each.name) && (each.context || !each.image.empty());
           });
  });
}
}  // namespace

Stack conclude(const Repository& repository) {
  Stack stack;
  find_djangos(repository, stack);
  find_applications(repository, stack);
  find_all_health(repository, stack);
  for (const auto& file : repository.dockerfiles)
    if (!names_development(file.path)) stack.dockerfiles.push_back(&file);
  for (const auto& file : repository.composes)
    if (!names_development(file.path) && !is_replaced(repository, file))
      stack.composes.push_back(&file);
  stack.serves = !stack.djangos.empty() || !stack.applications.empty();
  return stack;
}

namespace {
/// The nearest script of the repository that one of `argv`'s words names.
const ScriptFile* script_named(const Repository& repository, std::string_view folder,
                               const std::vector<std::string>& argv) {
  for (const auto& argument : argv) {
    for (const auto& word : split(argument, ' ')) {
      if (!word.ends_with(".sh") && word.find("entrypoint") == std::string::npos) continue;
      const auto name = file_name(word);
      const ScriptFile* best = nullptr;
      for (const auto& each : repository.scripts) {
        if (file_name(each.path) != name) continue;
        if (!best || each.path.starts_with(folder)) best = &each;
      }
      if (best) return best;
    }
  }
  return nullptr;
}
}  // namespace

const ScriptFile* started_script(const Repository& repository, const Dockerfile& file,
                                 const std::vector<std::string>& argv) {
  return script_named(repository, folder_of(file.path), argv);
}

const ScriptFile* started_script(const Repository& repository, const Compose& compose,
                                 const ComposeService& service) {
  if (!service_runs_ours(service)) return nullptr;
  const auto folder = service.context ? join_path(folder_of(compose.path), *service.context)
                                      : std::string(folder_of(compose.path));
  const auto* script = script_named(repository, folder, service.entrypoint);
  return script ? script : script_named(repository, folder, service.command);
}

namespace {
/// "package*.json" too.
bool lies_in(const Repository& repository, std::string_view folder, std::string_view source) {
  const auto path = join_path(folder, source.substr(0, source.find('*')));
  if (source.find('*') == std::string_view::npos)
    return repository.find(path) || repository.has_folder(path);
  return std::ranges::any_of(repository.files, [&](const FileFact& file) {
    return file.path.starts_with(path) && folder_of(file.path) == folder_of(path);
  });
}

/// docker/Dockerfile copies what lies at the top: `docker build -f docker/Dockerfile .`
bool copies_from_top(const Repository& repository, const Dockerfile& file) {
  for (const auto& stage : file.stages) {
    for (const auto& each : stage.instructions) {
      if ((each.name != "COPY" && each.name != "ADD") || !each.flag("from").empty()) continue;
      const auto source = each.json && !each.json->empty()
                              ? each.json->front()
                              : each.text.substr(0, each.text.find(' '));
      const bool named = source.find_first_not_of("./*") != std::string::npos &&
                         source.find('$') == std::string::npos;
      if (named)
        return !lies_in(repository, folder_of(file.path), source) &&
               lies_in(repository, "", source);
    }
  }
  return false;
}
}  // namespace

std::string build_context(const Repository& repository, const Dockerfile& file) {
  for (const auto& compose : repository.composes)
    for (const auto& service : compose.services)
      if (built_from(compose, service) == file.path)
        return join_path(folder_of(compose.path), *service.context);
  return copies_from_top(repository, file) ? std::string{} : std::string(folder_of(file.path));
}

bool hears_command(const Repository& repository, const Compose& compose,
                   const ComposeService& service) {
  const auto* file = repository.find_dockerfile(built_from(compose, service));
  const auto* stage = file ? file->final_stage() : nullptr;
  if (!stage || !service.entrypoint.empty()) return true;
  const Instruction* entry = nullptr;
  for (const auto* each : file->inherited(*stage))
    if (each->name == "ENTRYPOINT") entry = each;
  const auto* script = entry ? started_script(repository, *file, entry->argv()) : nullptr;
  return !script || has_any(script->text, {"$@", "$*"});
}

bool service_runs_ours(const ComposeService& service) {
  const auto name = service.image.substr(0, service.image.find(':'));
  return service.context || name == "python" || name == "node";
}

std::string shell_text(const std::vector<std::string>& argv) {
  auto words = argv;
  for (auto& word : words) {
    const bool call = word.find('(') != std::string::npos;
    if (call && word.find_first_of(" '") == std::string::npos) word = "'" + word + "'";
  }
  return join(words, " ");
}

std::string start_text(const Repository& repository, const Dockerfile& file, const Stage& stage) {
  std::string text;
  std::vector<std::string> words;
  for (const auto* name : {"ENTRYPOINT", "CMD"}) {
    const Instruction* last = nullptr;
    for (const auto* each : file.inherited(stage))
      if (each->name == name) last = each;
    if (!last) continue;
    const auto argv = last->argv();
    words.insert(words.end(), argv.begin(), argv.end());
  }
  text = shell_text(words);
  if (const auto* script = started_script(repository, file, words)) text += "\n" + script->text;
  return text;
}

}  // namespace ecluse::preflight
