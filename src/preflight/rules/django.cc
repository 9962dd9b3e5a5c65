// DJ-001..009: Django's settings in production.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

using Setting = Django::Setting;

bool is_true_text(std::string_view text) {
  const auto lower = to_lower(trim(text));
  return lower == "true" || lower == "1" || lower == "yes" || lower == "on";
}

const EnvRead* read_of(const Setting& setting) {
  return read_within(*setting.file, *setting.assignment);
}

/// The variable's value in ecluse.yml's environment; null when it does not set one.
const std::string* given(const Subject& subject, std::string_view name) {
  if (!subject.environment) return nullptr;
  const auto found = subject.environment->env.find(std::string(name));
  if (found == subject.environment->env.end()) return nullptr;
  return std::get_if<std::string>(&found->second);
}

/// ENV of the image that runs; "" when it says nothing.
std::string said_by_image(const Subject& subject, std::string_view name) {
  for (const auto* file : subject.stack.dockerfiles) {
    const auto* stage = file->final_stage();
    if (!stage) continue;
    for (const auto* each : file->inherited(*stage)) {
      if (each->name != "ENV") continue;
      for (const auto& [variable, value] : assignments_of(*each))
        if (variable == name && !value.empty()) return value;
    }
  }
  return {};
}

bool image_says_off(const Subject& subject, std::string_view name) {
  const auto value = said_by_image(subject, name);
  return !value.empty() && !is_true_text(value);
}

/// `NAME == "literal"`, or `not (...)` of one.
struct Comparing {
  std::string name;
  std::string literal;
  bool equal = true;
};
std::optional<Comparing> comparing(std::string_view condition) {
  Comparing made;
  if (condition.starts_with("not (") && condition.ends_with(')')) {
    made.equal = false;
    condition = condition.substr(5, condition.size() - 6);
  }
  const auto sign = condition.find("==");
  if (sign == std::string_view::npos || condition.find(" and ") != std::string_view::npos ||
      condition.find(" or ") != std::string_view::npos)
    return std::nullopt;
  made.name = trim(condition.substr(0, sign));
  const auto literal = trim(condition.substr(sign + 2));
  if (literal.size() < 2 || (literal[0] != '"' && literal[0] != '\'')) return std::nullopt;
  made.literal = literal.substr(1, literal.size() - 2);
  return made;
}

/// The variable that a condition is about, and whether the condition holds in this environment, or
/// where nobody sets the variable; nothing when it is about something else.
struct Held {
  std::string variable;
  bool holds = false;
};
std::optional<Held> held(const Subject& subject, const CodeFile& file, const Scope& scope) {
  const auto asked = comparing(scope.condition);
  const auto* from = asked ? file.find_assignment(asked->name) : nullptr;
  const auto* read = from ? read_within(file, *from) : nullptr;
  const bool falls_back = read && read->fallback && read->fallback->kind == ValueKind::kString;
  if (!falls_back) return std::nullopt;
  const auto* set = given(subject, read->name);
  auto value = set ? *set : said_by_image(subject, read->name);
  if (value.empty()) value = read->fallback->text;
  return Held{read->name, (value == asked->literal) == asked->equal};
}

/// `if ENV == "prod": DEBUG = False else: DEBUG = True`: the branch that ENV's default takes.
std::optional<Finding> debug_of_branches(const Subject& subject, const Django& django) {
  std::optional<Finding> found;
  for (const auto* file : django.settings) {
    for (const auto& each : file->assignments) {
      if (each.target != "DEBUG" || each.scope.condition.empty()) continue;
      const auto branch = held(subject, *file, each.scope);
      if (!branch) return std::nullopt;
      if (branch->holds && each.value.is(ValueKind::kBoolean, "True"))
        found = at(file->path, each.place,
                   "DEBUG is on unless " + branch->variable + " says otherwise");
    }
  }
  return found;
}

/// `DEBUG = os.getenv("DEBUG", False)`: the text itself, and "False" is a true one.
bool is_raw_text(const Value& value) {
  return value.kind == ValueKind::kCall &&
         (ends_with_name(value.callee, "getenv") || ends_with_name(value.callee, "environ.get"));
}

/// Any text turns it on, so what is meant to turn it off does, too.
std::optional<Finding> debug_by_any_text(const Subject& subject, const Setting& debug,
                                         const EnvRead& read) {
  auto made = at(debug.file->path, debug.assignment->place,
                 "any text in " + read.name + " turns DEBUG on, \"False\" as well");
  const auto* set = given(subject, read.name);
  if (set && set->empty()) return std::nullopt;
  if (set || !said_by_image(subject, read.name).empty()) return made;
  made.severity = Severity::kWarn;
  made.because = "nothing sets " + read.name + " yet";
  return made;
}

std::optional<Finding> debug_of(const Subject& subject, const Setting& debug) {
  const auto& value = debug.assignment->value;
  const auto& place = debug.assignment->place;
  if (value.is(ValueKind::kBoolean, "True") && debug.assignment->scope.condition.empty())
    return at(debug.file->path, place, "DEBUG = True");
  const auto* read = read_of(debug);
  if (!read || !read->fallback) return std::nullopt;
  if (!is_true_text(read->fallback->text))
    return is_raw_text(value) ? debug_by_any_text(subject, debug, *read) : std::nullopt;
  const auto* set = given(subject, read->name);
  if (set ? !is_true_text(*set) : image_says_off(subject, read->name)) return std::nullopt;
  return at(debug.file->path, place, "DEBUG is on unless " + read->name + " says otherwise");
}

/// A project that nothing settles on: every settings file of its own counts, if it is no
/// development one.
template <typename Check>
Findings for_each_project(const Subject& subject, Check check) {
  Findings found;
  for (const auto& django : subject.stack.djangos) {
    if (django.settings.empty()) continue;
    if (auto made = check(django)) found.push_back(std::move(*made));
  }
  return found;
}

/// Does the setting take this text for true? `== "True"` means that very text.
bool turns_on(const Setting& debug, std::string_view text) {
  if (!is_true_text(text)) return false;
  const std::string_view source = debug.assignment->value.text;
  const bool compares = any_of_words(source, {"==", " in (", " in [", " in {"});
  const auto meant =
      source.find("lower") == std::string_view::npos ? std::string(text) : to_lower(text);
  return !compares || any_of_words(source, {"'" + meant + "'", "\"" + meant + "\""});
}

/// The line of a committed .env, or of production's own, that gives the variable such a value.
template <typename Is>
std::optional<Finding> said_by_env_file(const Repository& repository, std::string_view variable,
                                        Is is) {
  for (const auto& file : repository.env_files) {
    const auto* fact = repository.find(file.path);
    const auto name = file_name(file.path);
    const bool used = name == ".env" || name.find("prod") != std::string_view::npos;
    if (file.example || !used || !fact || !fact->committed) continue;
    for (const auto& line : file.lines)
      if (line.name == variable && is(line.value))
        return at(file.path, line.place, line.name + "=" + line.value);
  }
  return std::nullopt;
}

/// Where a committed file turns on what is off by default: a compose file's or an image's variable,
/// a .env file.
std::optional<Finding> debug_by_file(const Subject& subject, const Setting& debug) {
  const auto* read = read_of(debug);
  if (!read || subject.environment) return std::nullopt;
  for (const auto* compose : subject.stack.composes)
    for (const auto& service : compose->services)
      if (const auto* set = service.find_variable(read->name); set && set->value)
        return compose->development || !turns_on(debug, *set->value)
                   ? std::nullopt
                   : std::optional(at(compose->path, set->place, read->name + "=" + *set->value));
  const auto is_on = [&](std::string_view value) { return turns_on(debug, value); };
  if (auto made = said_by_env_file(subject.repository, read->name, is_on)) return made;
  for (const auto* file : subject.stack.dockerfiles) {
    const auto* stage = file->final_stage();
    for (const auto* each : stage ? file->inherited(*stage) : std::vector<const Instruction*>{})
      for (const auto& [name, value] : assignments_of(*each))
        if (each->name == "ENV" && name == read->name && turns_on(debug, value))
          return at(file->path, each->place, "ENV " + name + "=" + value);
  }
  return std::nullopt;
}

Findings debug_on(const Subject& subject) {
  return for_each_project(subject, [&](const Django& django) -> std::optional<Finding> {
    const auto debug = django.setting("DEBUG");
    if (debug && !debug->assignment->scope.condition.empty())
      if (auto made = debug_of_branches(subject, django)) return made;
    if (!debug) return std::nullopt;
    auto made = debug_of(subject, *debug);
    return made ? made : debug_by_file(subject, *debug);
  });
}

/// `django_heroku.settings(locals())` sets hosts, STATIC_ROOT, WhiteNoise and the database.
bool is_set_by_heroku(const Django& django) {
  return std::ranges::any_of(django.settings, [](const CodeFile* file) {
    return std::ranges::any_of(file->calls, [](const Call& call) {
      return call.callee() == "django_heroku.settings" ||
             call.callee() == "django_on_heroku.settings";
    });
  });
}

bool has_star(const Value& value) {
  return std::ranges::any_of(value.items, [](const Item& item) { return item.value.text == "*"; });
}

/// `ALLOWED_HOSTS=*` in a committed file of variables that production reads.
std::optional<Finding> any_host_by_file(const Subject& subject, const EnvRead& read) {
  if (subject.environment) return std::nullopt;
  return said_by_env_file(subject.repository, read.name,
                          [](std::string_view value) { return value == "*"; });
}

Findings any_host(const Subject& subject) {
  return for_each_project(subject, [&](const Django& django) -> std::optional<Finding> {
    const auto hosts = django.setting("ALLOWED_HOSTS");
    if (!hosts) return std::nullopt;
    const auto* read = read_of(*hosts);
    if (read && read->fallback && (read->fallback->text == "*" || has_star(*read->fallback)) &&
        !given(subject, read->name))
      return at(hosts->file->path, hosts->assignment->place,
                "every host is accepted unless " + read->name + " is set");
    if (!read && has_star(hosts->assignment->value))
      return at(hosts->file->path, hosts->assignment->place, "ALLOWED_HOSTS accepts every host");
    return read ? any_host_by_file(subject, *read) : std::nullopt;
  });
}

bool accepts(const Value& list, std::string_view host) {
  return std::ranges::any_of(list.items, [&](const Item& item) {
    const auto& each = item.value.text;
    return item.value.kind != ValueKind::kString || each == "*" || each == host ||
           (each.starts_with('.') && (host.ends_with(each) || host == each.substr(1)));
  });
}

bool is_local_host(std::string_view host) {
  return host == "localhost" || host == "127.0.0.1" || host == "0.0.0.0" || host == "[::1]" ||
         host == "::1" || host == "testserver";
}

bool only_local(const Value& list) {
  return std::ranges::all_of(list.items, [](const Item& item) {
    return item.value.kind == ValueKind::kString && is_local_host(item.value.text);
  });
}

/// `if ENV == "production": ALLOWED_HOSTS = ["shop.example.org"]`: another branch names more.
bool has_other_hosts(const Django& django) {
  return std::ranges::any_of(django.settings, [](const CodeFile* file) {
    return std::ranges::any_of(file->assignments, [](const Assignment& each) {
      return each.target == "ALLOWED_HOSTS" && !is_for_development(each.scope) &&
             (each.value.kind != ValueKind::kList || !only_local(each.value));
    });
  });
}

Findings foreign_host(const Subject& subject) {
  return for_each_project(subject, [&](const Django& django) -> std::optional<Finding> {
    const auto hosts = django.setting("ALLOWED_HOSTS");
    if (!hosts || hosts->assignment->value.kind != ValueKind::kList) return std::nullopt;
    const auto& list = hosts->assignment->value;
    if (read_of(*hosts) || is_set_by_heroku(django)) return std::nullopt;
    if (subject.environment) {
      for (const auto& host : subject.environment->hosts) {
        if (accepts(list, host.host)) continue;
        auto made = at(hosts->file->path, hosts->assignment->place, host.host + " is not accepted");
        made.because = "ecluse.yml serves " + subject.environment->name + " at " + host.host;
        return made;
      }
      return std::nullopt;
    }
    if (!only_local(list) || has_other_hosts(django)) return std::nullopt;
    return at(hosts->file->path, hosts->assignment->place,
              list.items.empty() ? "ALLOWED_HOSTS is empty: with DEBUG off every request is refused"
                                 : "only this machine's own names are accepted");
  });
}

/// `x.split(",") if x else []`, `[each for each in x.split(",") if each]`: nothing stays nothing.
bool is_filtered(const CodeFile& file, const EnvRead& read) {
  return std::ranges::any_of(file.assignments, [&](const Assignment& each) {
    const auto last =
        each.value.place.line + static_cast<int>(std::ranges::count(each.value.text, '\n'));
    return each.place.line <= read.place.line && read.place.line <= last &&
           each.value.text.find(" if ") != std::string::npos;
  });
}

Findings split_of_nothing(const Subject& subject) {
  Findings found;
  for (const auto& file : subject.repository.code) {
    if (!is_production_code(file) || file.language != Language::kPython) continue;
    for (const auto& read : file.reads) {
      const bool empty =
          read.fallback && read.fallback->kind == ValueKind::kString && read.fallback->text.empty();
      if (read.used_by == "split" && empty && !read.separator.empty() && !is_filtered(file, read))
        found.push_back(at(file.path, read.place,
                           "without " + read.name + " this is [\"\"], not an empty list"));
    }
  }
  return found;
}

bool lists_app(const Django& django, std::string_view app) {
  const auto apps = django.setting("INSTALLED_APPS");
  if (!apps) return false;
  return apps->assignment->value.text.find(app) != std::string::npos ||
         std::ranges::any_of(apps->assignment->value.items,
                             [&](const Item& item) { return item.value.text == app; });
}

bool uses_static(const Django& django) {
  return lists_app(django, "django.contrib.staticfiles");
}

/// In a bucket: what django-storages has a backend for needs no folder.
bool stores_elsewhere(const Django& django) {
  for (const auto* name : {"STATICFILES_STORAGE", "STORAGES"})
    if (const auto setting = django.setting(name);
        setting && setting->assignment->value.text.find("storages.backends") != std::string::npos)
      return true;
  return false;
}

Findings no_static_root(const Subject& subject) {
  return for_each_project(subject, [&](const Django& django) -> std::optional<Finding> {
    if (!uses_static(django) || django.setting("STATIC_ROOT") || stores_elsewhere(django) ||
        is_set_by_heroku(django))
      return std::nullopt;
    const auto url = django.setting("STATIC_URL");
    return at(url ? url->file->path : django.settings.back()->path,
              url ? url->assignment->place : Place{1, 1}, "STATIC_ROOT is not set");
  });
}

bool any_text(const Subject& subject, std::string_view word) {
  return std::ranges::any_of(subject.repository.texts, [&](const auto& each) {
    return each.second.find(word) != std::string::npos;
  });
}

bool names_whitenoise(const Value& value) {
  return any_of_words(value.text, {"whitenoise", "WhiteNoise"}) ||
         std::ranges::any_of(value.items,
                             [](const Item& item) { return names_whitenoise(item.value); });
}

/// A settings file that names it among MIDDLEWARE, or changes that list in a way not read here.
bool adds_whitenoise(const CodeFile& file) {
  const auto names = [](const Assignment& each) {
    return each.target == "MIDDLEWARE" &&
           (each.value.kind != ValueKind::kList || each.value.items.size() >= kItemsMax ||
            names_whitenoise(each.value));
  };
  return std::ranges::any_of(file.assignments, names) ||
         std::ranges::any_of(
             file.calls, [](const Call& call) { return call.callee().starts_with("MIDDLEWARE."); });
}

/// Installed and used: as middleware, or around the application of wsgi.py.
bool uses_whitenoise(const Subject& subject, const Django& django) {
  const auto imports = [](const ModuleImports& file) {
    return std::ranges::any_of(
        file.imports, [](const Import& each) { return each.module.starts_with("whitenoise"); });
  };
  return !django.setting("MIDDLEWARE") ||
         std::ranges::any_of(django.settings,
                             [](const CodeFile* file) { return adds_whitenoise(*file); }) ||
         std::ranges::any_of(subject.repository.imports, imports);
}

/// `re_path(r"^static/(?P<path>.*)$", serve, ...)`: Django's own view, with DEBUG off as well.
bool serves_by_view(const Repository& repository) {
  return std::ranges::any_of(repository.code, [](const CodeFile& file) {
    return file.imports_module("django.views.static") &&
           std::ranges::any_of(file.calls, [](const Call& call) {
             const auto* route = call.value.at(0);
             const auto* view = call.value.at(1);
             return route && view && ends_with_name(view->text, "serve") &&
                    route->text.find("static") != std::string::npos &&
                    !is_for_development(call.scope);
           });
  });
}

bool serves_static(const Subject& subject, const Django& django) {
  const bool declared = subject.repository.find_dependency("whitenoise") != nullptr;
  if ((declared && uses_whitenoise(subject, django)) || is_set_by_heroku(django) ||
      serves_by_view(subject.repository))
    return true;
  for (const auto* package : {"django-storages", "dj-static", "django-cloudinary-storage"})
    if (subject.repository.find_dependency(package)) return true;
  for (const auto* file : django.settings)
    for (const auto& each : file->assignments)
      if (any_of_words(each.value.text, {"storages.backends", "S3"}) ||
          (!declared && any_of_words(each.value.text, {"whitenoise", "WhiteNoise"})))
        return true;
  for (const auto& nginx : subject.repository.nginxes)
    for (const auto& line : lines_of(subject.repository.text(nginx.path)))
      if (any_of_words(line, {"/static"})) return true;
  if (subject.environment)
    for (const auto& process : subject.environment->processes)
      if (!process.static_paths.empty()) return true;
  return any_text(subject, "file_server");
}

Findings nobody_serves_static(const Subject& subject) {
  return for_each_project(subject, [&](const Django& django) -> std::optional<Finding> {
    if (!uses_static(django) || serves_static(subject, django)) return std::nullopt;
    const auto url = django.setting("STATIC_URL");
    return at(url ? url->file->path : django.settings.back()->path,
              url ? url->assignment->place : Place{1, 1},
              "neither WhiteNoise, nor a proxy's location, nor `static:` in ecluse.yml");
  });
}

/// Platforms that end TLS in front of the app, and proxies of the repository's own that do.
bool is_behind_tls(const Subject& subject) {
  const auto& repository = subject.repository;
  if (subject.environment) return true;
  for (const auto* file : {"Procfile", "render.yaml", "fly.toml", "railway.json", "railway.toml",
                           "app.yaml", "Caddyfile"})
    if (repository.find(file)) return true;
  return std::ranges::any_of(repository.texts, [](const auto& each) {
    const auto& [path, text] = each;
    if (path.ends_with(".md") || path.ends_with(".rst")) return false;
    return any_of_words(
        text, {"ssl_certificate", "certbot", "letsencrypt", "websecure", "render.com", "onrender",
               "RENDER_", "herokuapp", "heroku/", "railway", "fly.io", "flyctl", "northflank",
               "azurewebsites", "azure/webapps", "gcloud run deploy", "caddy:"});
  });
}

/// SECURE_SSL_REDIRECT behind an nginx of one's own: without its header that redirects for ever.
bool redirects_to_tls(const Subject& subject, const Django& django) {
  return !subject.repository.nginxes.empty() &&
         std::ranges::any_of(django.settings, [](const CodeFile* file) {
           return std::ranges::any_of(file->assignments, [](const Assignment& each) {
             return each.target == "SECURE_SSL_REDIRECT" && each.value.text != "False";
           });
         });
}

Findings https_unknown(const Subject& subject) {
  const bool platform = is_behind_tls(subject);
  return for_each_project(subject, [&](const Django& django) -> std::optional<Finding> {
    if (!platform && !redirects_to_tls(subject, django)) return std::nullopt;
    for (const auto* name : {"CSRF_TRUSTED_ORIGINS", "SECURE_PROXY_SSL_HEADER"})
      if (django.setting(name)) return std::nullopt;
    return at(django.settings.back()->path, {1, 1},
              "neither CSRF_TRUSTED_ORIGINS nor SECURE_PROXY_SSL_HEADER is set");
  });
}

std::optional<int> runserver_column(std::string_view line) {
  const auto column = line.find("runserver");
  const bool comment = trim(line).starts_with('#');
  if (column == std::string_view::npos || comment || line.find("manage.py") == std::string::npos)
    return std::nullopt;
  return static_cast<int>(column) + 1;
}

Findings development_server(const Subject& subject) {
  Findings found;
  const auto look = [&](std::string_view path) {
    auto lines = lines_like(subject.repository, path, runserver_column);
    found.insert(found.end(), lines.begin(), lines.end());
  };
  // Where a script asks which environment it is in, it serves production otherwise.
  const auto look_into = [&](const ScriptFile& script) {
    for (const auto& each : script.script.commands)
      if (each.text.find("manage.py") != std::string::npos && each.has("runserver") &&
          !any_of_words(to_lower(each.condition), {"prod", "dev", "debug", "env"}))
        found.push_back(at(script.path, each.place, each.text));
  };
  for (const auto* file : subject.stack.dockerfiles) {
    const auto* stage = file->final_stage();
    if (!stage) continue;
    for (const auto* name : {"CMD", "ENTRYPOINT"}) {
      const auto* last = stage->last(name);
      if (last && last->text.find("runserver") != std::string::npos)
        found.push_back(at(file->path, last->place, last->name + " " + last->text));
      if (!last) continue;
      if (const auto* script = started_script(subject.repository, *file, last->argv()))
        look_into(*script);
    }
  }
  for (const auto* compose : subject.stack.composes) {
    for (const auto& service : compose->services) {
      if (join(service.command, " ").find("manage.py runserver") != std::string::npos)
        found.push_back(at(compose->path, service.command_place, join(service.command, " ")));
      if (const auto* script = started_script(subject.repository, *compose, service))
        look_into(*script);
    }
  }
  look("Procfile");
  return found;
}

Findings two_settings(const Subject& subject) {
  return for_each_project(subject, [&](const Django& django) -> std::optional<Finding> {
    if (django.wsgi_settings.empty() || django.manage_settings == django.wsgi_settings)
      return std::nullopt;
    return at(django.wsgi, django.wsgi_settings_place,
              "manage.py uses " + django.manage_settings + ", wsgi.py " + django.wsgi_settings);
  });
}

constexpr std::array kRules = {
    Rule{"DJ-001", Severity::kMajor, "DEBUG is on in production",
         "Every error shows settings, local variables and SQL to whoever caused it.",
         "Read it from the environment with False as the default: `DEBUG = "
         "os.environ.get(\"DEBUG\", \"False\") == \"True\"`.",
         debug_on},
    Rule{"DJ-002", Severity::kMajor, "Every host name is accepted",
         "A forged Host header ends up in password reset links and caches.",
         "List the hosts, from a variable: `ALLOWED_HOSTS = "
         "os.environ[\"ALLOWED_HOSTS\"].split(\",\")`.",
         any_host},
    Rule{"DJ-003", Severity::kMajor, "The host it is deployed at is not accepted",
         "Django answers every request there with 400.",
         "Read ALLOWED_HOSTS from the environment and set it for each environment.", foreign_host},
    Rule{
        "DJ-004", Severity::kWarn, "An empty variable becomes a list of one empty text",
        "`\"\".split(\",\")` is `[\"\"]`: a host, an origin or an address that is never right, and "
        "hides that nothing was set.",
        "`[each for each in os.environ.get(\"X\", \"\").split(\",\") if each]`", split_of_nothing},
    Rule{"DJ-005", Severity::kWarn, "STATIC_ROOT is missing",
         "collectstatic stops with ImproperlyConfigured, so the site has no style sheets.",
         "`STATIC_ROOT = BASE_DIR / \"staticfiles\"`", no_static_root},
    Rule{"DJ-006", Severity::kMajor, "Nobody serves the static files",
         "With DEBUG off Django does not serve them: the admin and the pages come without style.",
         "Add WhiteNoise to MIDDLEWARE, or `static: {/static: staticfiles}` to the process in "
         "ecluse.yml.",
         nobody_serves_static},
    Rule{"DJ-007", Severity::kWarn, "HTTPS before a proxy is unknown to Django",
         "Behind a proxy that ends TLS Django sees plain HTTP: forms answer 403 (CSRF) and "
         "redirects lead to http.",
         "`SECURE_PROXY_SSL_HEADER = (\"HTTP_X_FORWARDED_PROTO\", \"https\")`, and "
         "CSRF_TRUSTED_ORIGINS with a scheme.",
         https_unknown},
    Rule{"DJ-008", Severity::kMajor, "Django's development server runs in production",
         "runserver is neither safe nor fast enough for the public, and says so itself.",
         "Start gunicorn (or uvicorn) on the project's wsgi (asgi) module.", development_server},
    Rule{"DJ-009", Severity::kMajor, "manage.py and wsgi.py use different settings",
         "Migrations may change one database while the site reads another.",
         "Name the same module in both, and choose by DJANGO_SETTINGS_MODULE in the environment.",
         two_settings},
};

}  // namespace

std::span<const Rule> django_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
