#include "preflight/proposal/variables.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "preflight/proposal/host_choice.h"
#include "preflight/proposal/service_choice.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

/// Set by ecluse, the interpreter or the machine.
bool is_always_there(std::string_view name) {
  for (const std::string_view each : {"PORT", "HOME", "PATH", "USER", "HOSTNAME", "TZ", "LANG",
                                      "PWD", "TMPDIR", "CI", "PYTHONPATH", "VIRTUAL_ENV"})
    if (name == each) return true;
  for (const std::string_view start : {"VERCEL", "RENDER", "HEROKU", "GITHUB_", "npm_"})
    if (name.starts_with(start)) return true;
  return false;
}

bool is_debug(std::string_view name) {
  return name == "DEBUG" || name.ends_with("_DEBUG");
}

bool is_stage(std::string_view name) {
  for (const std::string_view each :
       {"FLASK_ENV", "FLASK_CONFIG", "NODE_ENV", "APP_ENV", "DJANGO_ENV"})
    if (name == each) return true;
  return false;
}

bool needs_debug_off(const EnvRead& read) {
  if (!read.fallback) return read.required;
  const auto text = to_lower(read.fallback->text);
  return text == "true" || text == "1" || text == "yes" || text == "on";
}

/// "0" where a number is the default: `int("False")` would end the start.
std::string off_like(const EnvRead& read) {
  const bool number =
      read.fallback && (read.fallback->kind == ValueKind::kNumber || read.fallback->text == "1");
  return number ? "0" : "False";
}

/// Where pages may come from: always Django's own lists, else one that must be given.
bool is_origin_list(const EnvRead& read) {
  const std::string_view name = read.name;
  if (name.find("CSRF_TRUSTED_ORIGINS") != std::string_view::npos || name == "CORS_ALLOWED_ORIGINS")
    return true;
  const bool cors = name.find("CORS") != std::string_view::npos;
  return read.required &&
         (name == "ALLOWED_ORIGINS" || (cors && name.find("ORIGIN") != std::string_view::npos));
}

/// What a build writes into pages: where they find the API.
bool is_browser_address(const EnvRead& read) {
  const std::string_view name = read.name;
  for (const std::string_view start : {"NEXT_PUBLIC_", "VITE_", "REACT_APP_"}) {
    if (!name.starts_with(start)) continue;
    if (name.ends_with("_URL")) return true;
    const bool api = any_of_words(to_lower(name), {"api", "backend", "server"});
    for (const std::string_view end : {"_ENDPOINT", "_URI", "_BASE", "_HOST", "_API"})
      if (api && name.ends_with(end)) return true;
  }
  return false;
}

/// "/api/v1" of "http://localhost:8000/api/v1/".
std::string path_of_address(std::string_view address) {
  const auto scheme = address.find("://");
  if (scheme != std::string_view::npos) {
    const auto slash = address.find('/', scheme + 3);
    address = slash == std::string_view::npos ? std::string_view{} : address.substr(slash);
  }
  while (address.ends_with('/')) address.remove_suffix(1);
  return std::string(address);
}

/// Sessions and tokens are signed with it: its absence or a known default is no choice.
bool is_signing_secret(std::string_view name) {
  return any_of_words(to_lower(name), {"secret_key", "jwt_secret"});
}

/// ["http://a", "http://b"] or http://a,http://b, as the code wants it.
std::string list_of(const std::vector<std::string>& texts, const EnvRead& read) {
  if (read.separator == kJsonSeparator) return "[\"" + join(texts, "\", \"") + "\"]";
  const bool blanks = read.used_by == "split" && read.separator.empty();
  const bool other = read.separator == " " || read.separator == ";";
  return join(texts, blanks ? " " : other ? read.separator : ",");
}

bool is_plain(std::string_view value) {
  return !value.empty() && !is_placeholder(value) && value.find('$') == std::string_view::npos &&
         value.find("localhost") == std::string_view::npos &&
         value.find("127.0.0.1") == std::string_view::npos &&
         value.find("://") == std::string_view::npos;
}

class Variables {
 public:
  Variables(const Repository& repository, const Stack& stack, Proposal& out)
      : repository_(repository), stack_(stack), out_(out) {}

  void propose(const std::vector<VariableRead>& reads) {
    for (const auto& each : reads) {
      const auto& name = each.read->name;
      if (said_.contains(name) || out_.env.contains(name) || is_always_there(name) ||
          is_given_by_services(out_, name))
        continue;
      if (decide(each)) said_.insert(name);
    }
  }

 private:
  /// False: nothing is to be said of it.
  bool decide(const VariableRead& each) {
    const auto& read = *each.read;
    if (is_host_list(read.name)) return give_hosts(each);
    if (is_origin_list(read)) return give(each, list_of(hosts("http://"), read));
    if (is_debug(read.name)) return needs_debug_off(read) && give(each, off_like(read));
    if (is_stage(read.name)) return give(each, "production");
    if (is_browser_address(read)) return give_to_browser(each);
    if (is_secret_name(read.name)) return keep_secret(each);
    return read.required && demand(each);
  }

  std::vector<std::string> hosts(const std::string& before) const {
    return {before + out_.host.value, before + out_.preprod_host.value};
  }

  bool give(const VariableRead& each, std::string value) {
    out_.env[each.read->name] = {std::move(value), each.why()};
    return true;
  }

  /// A class of settings with a default knows of hosts what it needs; FastAPI itself asks for none.
  bool give_hosts(const VariableRead& each) {
    const bool typed = each.read->separator == kJsonSeparator;
    return !(typed && each.read->fallback) && give(each, list_of(hosts(""), *each.read));
  }

  /// Inlined when it is built, so the address must be one that every environment's visitor has.
  bool give_to_browser(const VariableRead& each) {
    const auto api = std::ranges::find(out_.parts, "api", &Part::name);
    const auto web = std::ranges::find(out_.parts, "web", &Part::name);
    if (api == out_.parts.end() || web == out_.parts.end())
      return !each.read->fallback && demand(each);
    web->build.per_environment.push_back(each.read->name);
    if (const auto written = written_address(each)) {
      // Pages append to it; "/." is the top of the site they came from, which "" is to no `||`.
      const auto path = path_of_address(*written);
      return give(each, path.empty() ? "/." : path);
    }
    return give(each, api->routes.empty() ? "/" : api->routes.front().value);
  }

  /// What an example of a .env, a compose file or the code has for it.
  std::optional<std::string> written_address(const VariableRead& each) const {
    const auto& name = each.read->name;
    for (const auto& file : repository_.env_files)
      if (const auto* found = file.find(name); found && !found->value.empty()) return found->value;
    for (const auto* compose : stack_.composes)
      for (const auto& service : compose->services)
        if (const auto* found = service.find_variable(name); found && found->value)
          return found->value;
    const auto& fallback = each.read->fallback;
    if (fallback && fallback->kind == ValueKind::kString) return fallback->text;
    return std::nullopt;
  }

  bool keep_secret(const VariableRead& each) {
    if (!each.read->required && !is_signing_secret(each.read->name)) return false;
    out_.secrets.push_back({each.read->name, each.why()});
    return true;
  }

  bool demand(const VariableRead& each) {
    if (auto known = known_value(each.read->name))
      out_.env[each.read->name] = std::move(*known);
    else
      out_.asks.push_back({each.read->name, "", each.why()});
    return true;
  }

  /// `ENV REGION=eu`: the image brings it, so the code need not be told.
  std::optional<Proven> value_in_image(std::string_view name) const {
    for (const auto* file : stack_.dockerfiles) {
      const auto* stage = file->final_stage();
      if (!stage) continue;
      for (const auto* each : file->inherited(*stage)) {
        if (each->name != "ENV") continue;
        for (const auto& [key, value] : assignments_of(*each))
          if (key == name && is_plain(value))
            return Proven{value, {file->path, each->place, "ENV " + each->text}};
      }
    }
    return std::nullopt;
  }

  /// What a compose file, an image or an example of a .env gives it, where that is a value and no
  /// secret.
  std::optional<Proven> known_value(std::string_view name) const {
    for (const auto* compose : stack_.composes)
      for (const auto& service : compose->services)
        if (const auto* found = service.find_variable(name);
            found && found->value && is_plain(*found->value))
          return Proven{*found->value,
                        {compose->path, found->place, std::string(name) + ": " + *found->value}};
    if (auto found = value_in_image(name)) return found;
    for (const auto& file : repository_.env_files)
      if (const auto* found = file.find(name); found && is_plain(found->value))
        return Proven{found->value,
                      {file.path, found->place, std::string(name) + "=" + found->value}};
    return std::nullopt;
  }

  const Repository& repository_;
  const Stack& stack_;
  Proposal& out_;
  std::set<std::string, std::less<>> said_;
};

std::string settings_module(const Django& django) {
  const auto& path = django.settings.back()->path;
  const auto from = django.root.empty() ? 0 : django.root.size() + 1;
  auto module = path.substr(from, path.size() - from - 3);
  std::ranges::replace(module, '/', '.');
  if (module.ends_with(".__init__")) module.resize(module.size() - 9);
  return module;
}

/// settings/production.py, where wsgi.py names another one.
void add_settings_module(const Django& django, Proposal& out) {
  if (django.wsgi_settings.empty()) return;
  const auto module = django.settings.empty() ? std::string() : settings_module(django);
  const bool production = module.ends_with(".production") || module.ends_with(".prod");
  if (production && module != django.wsgi_settings)
    out.env["DJANGO_SETTINGS_MODULE"] = {
        module, {django.settings.back()->path, {1, 1}, "settings for production"}};
  else if (!django.manage_settings.empty() && django.manage_settings != django.wsgi_settings)
    out.env["DJANGO_SETTINGS_MODULE"] = {
        django.wsgi_settings,
        {django.wsgi, django.wsgi_settings_place, "wsgi.py and manage.py name different settings"}};
}

}  // namespace

void propose_variables(const Repository& repository, const Stack& stack, Proposal& out) {
  const auto reads = production_reads(repository);
  propose_services(repository, stack, reads, out);
  choose_hosts(stack, reads, out);
  Variables(repository, stack, out).propose(reads);
  for (const auto& django : stack.djangos) add_settings_module(django, out);
}

}  // namespace ecluse::preflight
