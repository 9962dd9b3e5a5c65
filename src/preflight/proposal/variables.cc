#include "preflight/proposal/variables.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "preflight/proposal/build_choice.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

struct Driver {
  std::string_view package;
  std::string_view kind;
};
constexpr std::array kDrivers = {
    Driver{"psycopg", "postgres"},         Driver{"psycopg2", "postgres"},
    Driver{"psycopg2-binary", "postgres"}, Driver{"asyncpg", "postgres"},
    Driver{"pg8000", "postgres"},          Driver{"pg", "postgres"},
    Driver{"postgres", "postgres"},        Driver{"redis", "redis"},
    Driver{"django-redis", "redis"},       Driver{"ioredis", "redis"}};

// What ecluse injects for a service (docs/services.md), by the beginning of the names.
bool is_given_by(std::string_view kind, std::string_view name) {
  const auto starts = [&](std::initializer_list<std::string_view> list) {
    return std::ranges::any_of(list, [&](auto each) { return name.starts_with(each); });
  };
  if (kind == "postgres")
    return starts({"DATABASE_", "DB_", "SQL_", "POSTGRES_", "PGHOST", "PGPORT", "PGUSER", "PGPASS",
                   "PGDATA", "SQLALCHEMY_DATABASE_URI"});
  return starts(
      {"REDIS_URL", "CACHE_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD", "REDIS_DB"});
}

/// Set by ecluse, the interpreter or the machine.
bool is_always_there(std::string_view name) {
  for (const std::string_view each : {"PORT", "HOME", "PATH", "USER", "HOSTNAME", "TZ", "LANG",
                                      "PWD", "TMPDIR", "CI", "PYTHONPATH", "VIRTUAL_ENV"})
    if (name == each) return true;
  return name.starts_with("VERCEL") || name.starts_with("RENDER") || name.starts_with("HEROKU") ||
         name.starts_with("GITHUB_") || name.starts_with("npm_");
}

bool for_development(const Scope& scope) {
  const auto lower = to_lower(scope.condition);
  return !lower.starts_with("not ") && any_of_words(lower, {"debug", "dev", "test", "local"});
}

struct Read {
  const CodeFile* file;
  const EnvRead* read;
  Evidence why() const { return {file->path, read->place, read->spelling + " " + read->name}; }
};

class Variables {
 public:
  Variables(const Repository& repository, const Stack& stack, Proposal& out)
      : repository_(repository), stack_(stack), out_(out) {
    for (const auto& file : repository.code) {
      if (!is_production_code(file)) continue;
      for (const auto& read : file.reads)
        if (!for_development(read.scope)) reads_.push_back({&file, &read});
    }
  }

  void propose() {
    add_services();
    add_prisma();
    choose_host();
    for (const auto& each : reads_) {
      if (said_.contains(each.read->name) || is_always_there(each.read->name) ||
          is_given(each.read->name))
        continue;
      if (decide(each)) said_.insert(each.read->name);
    }
    add_settings_module();
  }

 private:
  bool is_given(std::string_view name) const {
    return std::ranges::any_of(
        out_.services, [&](const auto& each) { return is_given_by(each.second.value, name); });
  }

  const Read* first_read_of(std::string_view kind) const {
    const auto found = std::ranges::find_if(
        reads_, [&](const Read& each) { return is_given_by(kind, each.read->name); });
    return found == reads_.end() ? nullptr : &*found;
  }

  void add_services() {
    for (const auto& driver : kDrivers) {
      const auto* declared = repository_.find_dependency(driver.package);
      const auto* read = first_read_of(driver.kind);
      const std::string name = driver.kind == "postgres" ? "db" : "cache";
      if (!declared || !read || out_.services.contains(name)) continue;
      auto why = read->why();
      why.seen += ", and " + std::string(driver.package) + " is declared";
      out_.services[name] = {std::string(driver.kind), std::move(why)};
    }
    if (repository_.find_dependency("mongoose") || repository_.find_dependency("pymongo"))
      out_.gaps.push_back({"the app keeps its data in MongoDB, which ecluse does not start yet",
                           "run one and give its address as the secret that the code reads",
                           {}});
  }

  /// Prisma's schema names its engine and the variable of its address.
  void add_prisma() {
    for (const auto& [path, text] : repository_.texts) {
      if (file_name(path) != "schema.prisma" ||
          text.find("env(\"DATABASE_URL\")") == std::string::npos)
        continue;
      const Evidence why{path, {1, 1}, "env(\"DATABASE_URL\")"};
      if (text.find("\"postgresql\"") != std::string::npos) {
        out_.services["db"] = {"postgres", why};
      } else if (text.find("\"sqlite\"") != std::string::npos) {
        out_.volumes["data"] = {"/app/data", why};
        out_.env["DATABASE_URL"] = {"file:/app/data/app.db", why};
        said_.insert("DATABASE_URL");
      }
    }
  }

  // ---- hosts

  /// Names that Django's literal ALLOWED_HOSTS takes; empty when a variable decides.
  std::vector<std::string> literal_hosts(Evidence& why) const {
    for (const auto& django : stack_.djangos) {
      const auto setting = django.setting("ALLOWED_HOSTS");
      if (!setting || setting->assignment->value.kind != ValueKind::kList) continue;
      std::vector<std::string> hosts;
      for (const auto& item : setting->assignment->value.items)
        if (item.value.kind == ValueKind::kString) hosts.push_back(item.value.text);
      why = {setting->file->path, setting->assignment->place,
             "ALLOWED_HOSTS = " + setting->assignment->value.text};
      // With DEBUG on, an empty list lets these in; names below localhost only since 3.1.3.
      if (hosts.empty()) hosts = {"localhost", "127.0.0.1"};
      return hosts;
    }
    return {};
  }

  void choose_host() {
    const auto usual = out_.app + ".localhost";
    const Evidence reason{"", {}, "a name that needs no DNS"};
    out_.host = {usual, reason};
    out_.preprod_host = {"preprod." + usual, reason};
    const bool by_variable =
        std::ranges::any_of(reads_, [](const Read& each) { return is_host_list(each.read->name); });
    Evidence why;
    const auto hosts = literal_hosts(why);
    if (hosts.empty() || by_variable || takes(hosts, usual)) return;
    const auto own = std::ranges::find_if(hosts, [](const std::string& host) {
      return host != "localhost" && !host.starts_with('.') &&
             host.find_first_not_of("0123456789.:[]") != std::string::npos;
    });
    if (own != hosts.end()) out_.host = {*own, why};
    if (takes(hosts, "localhost")) out_.preprod_host = {"localhost", why};
    out_.gaps.push_back({"the site answers to the names in ALLOWED_HOSTS alone",
                         "read ALLOWED_HOSTS from the environment", why});
  }

  static bool takes(const std::vector<std::string>& hosts, const std::string& name) {
    return std::ranges::any_of(hosts, [&](const std::string& host) {
      return host == "*" || host == name || (host.starts_with('.') && name.ends_with(host));
    });
  }

  std::string all_hosts(std::string_view before, const std::string& separator) const {
    return std::string(before) + out_.host.value + separator + std::string(before) +
           out_.preprod_host.value;
  }

  // ---- one variable

  /// False: nothing is to be said of it.
  bool decide(const Read& each) {
    const auto& read = *each.read;
    const auto upper = read.name;
    if (is_host_list(upper)) return give(each, all_hosts("", separator_of(read)));
    if (upper.find("CSRF_TRUSTED_ORIGINS") != std::string::npos || upper == "CORS_ALLOWED_ORIGINS")
      return give(each, all_hosts("http://", separator_of(read)));
    if (is_debug(upper)) return needs_debug_off(read) && give(each, "False");
    if (is_stage(upper)) return give(each, "production");
    if (is_browser_address(read)) return give_to_browser(each);
    if (is_secret_name(upper)) return keep_secret(each);
    return read.required && demand(each);
  }

  static bool is_host_list(std::string_view name) {
    return name.ends_with("ALLOWED_HOSTS") || name == "HOSTS" || name == "DJANGO_HOSTS";
  }
  static bool is_debug(std::string_view name) {
    return name == "DEBUG" || name.ends_with("_DEBUG");
  }
  static bool is_stage(std::string_view name) {
    for (const std::string_view each :
         {"FLASK_ENV", "FLASK_CONFIG", "NODE_ENV", "APP_ENV", "DJANGO_ENV"})
      if (name == each) return true;
    return false;
  }
  static bool needs_debug_off(const EnvRead& read) {
    if (!read.fallback) return read.required;
    const auto text = to_lower(read.fallback->text);
    return text == "true" || text == "1" || text == "yes" || text == "on";
  }
  static std::string separator_of(const EnvRead& read) {
    return read.separator == " " || read.separator == ";" ? read.separator : ",";
  }
  static bool is_browser_address(const EnvRead& read) {
    return read.name.starts_with("NEXT_PUBLIC_") && read.name.ends_with("_URL");
  }

  bool give(const Read& each, std::string value) {
    out_.env[each.read->name] = {std::move(value), each.why()};
    return true;
  }

  /// Inlined when it is built, so the address must be one that every environment's visitor has.
  bool give_to_browser(const Read& each) {
    const auto api = std::ranges::find(out_.parts, "api", &Part::name);
    const auto web = std::ranges::find(out_.parts, "web", &Part::name);
    if (api == out_.parts.end() || web == out_.parts.end()) return demand(each);
    web->build.per_environment.push_back(each.read->name);
    return give(each, api->route->value);
  }

  bool keep_secret(const Read& each) {
    // Sessions and tokens are signed with it: its absence or a known default is no choice.
    const bool signs = any_of_words(to_lower(each.read->name), {"secret_key", "jwt_secret"});
    if (!each.read->required && !signs) return false;
    out_.secrets.push_back({each.read->name, each.why()});
    return true;
  }

  bool demand(const Read& each) {
    if (auto known = known_value(each.read->name)) {
      out_.env[each.read->name] = std::move(*known);
      return true;
    }
    out_.asks.push_back({each.read->name, "", each.why()});
    return true;
  }

  /// What a compose file or an example of a .env gives it, where that is a value and no secret.
  std::optional<Proven> known_value(std::string_view name) const {
    for (const auto* compose : stack_.composes)
      for (const auto& service : compose->services)
        if (const auto* found = service.find_variable(name);
            found && found->value && is_plain(*found->value))
          return Proven{*found->value,
                        {compose->path, found->place, std::string(name) + ": " + *found->value}};
    for (const auto& file : repository_.env_files)
      if (const auto* found = file.find(name); found && is_plain(found->value))
        return Proven{found->value,
                      {file.path, found->place, std::string(name) + "=" + found->value}};
    return std::nullopt;
  }

  static bool is_plain(std::string_view value) {
    return !value.empty() && !is_placeholder(value) &&
           value.find("localhost") == std::string_view::npos &&
           value.find("127.0.0.1") == std::string_view::npos &&
           value.find("://") == std::string_view::npos;
  }

  /// settings/production.py, where wsgi.py names another one.
  void add_settings_module() {
    for (const auto& django : stack_.djangos) {
      if (django.settings.empty() || django.wsgi_settings.empty()) continue;
      const auto& path = django.settings.back()->path;
      const auto from = django.root.empty() ? 0 : django.root.size() + 1;
      auto module = path.substr(from, path.size() - from - 3);
      std::ranges::replace(module, '/', '.');
      if (module.ends_with(".__init__")) module.resize(module.size() - 9);
      const bool production = module.ends_with(".production") || module.ends_with(".prod");
      if (production && module != django.wsgi_settings)
        out_.env["DJANGO_SETTINGS_MODULE"] = {module, {path, {1, 1}, "settings for production"}};
      else if (!django.manage_settings.empty() && django.manage_settings != django.wsgi_settings)
        out_.env["DJANGO_SETTINGS_MODULE"] = {django.wsgi_settings,
                                              {django.wsgi, django.wsgi_settings_place,
                                               "wsgi.py and manage.py name different settings"}};
    }
  }

  const Repository& repository_;
  const Stack& stack_;
  Proposal& out_;
  std::vector<Read> reads_;
  std::set<std::string, std::less<>> said_;
};

}  // namespace

void propose_variables(const Repository& repository, const Stack& stack, Proposal& out) {
  Variables(repository, stack, out).propose();
}

}  // namespace ecluse::preflight
