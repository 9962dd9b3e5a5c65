#include "services/service_variables.h"

#include <algorithm>

namespace ecluse::services {

namespace {
using model::ServiceKind;
using Variables = std::map<std::string, std::string>;

/// Spellings of the same five facts, as tutorials and frameworks have them.
struct Spelling {
  const char* host;
  const char* port;
  const char* database;
  const char* user;
  const char* password;
};
constexpr Spelling kCommon[] = {
    {"DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD"},
    {"DB_HOST", "DB_PORT", "DB_DATABASE", "DB_USERNAME", "DB_PASSWORD"},
    {"DATABASE_HOST", "DATABASE_PORT", "DATABASE_NAME", "DATABASE_USER", "DATABASE_PASSWORD"},
    {"SQL_HOST", "SQL_PORT", "SQL_DATABASE", "SQL_USER", "SQL_PASSWORD"},
};
constexpr Spelling kPostgres[] = {
    {"POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD"},
    {"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD"},
};
constexpr Spelling kMysql[] = {
    {"MYSQL_HOST", "MYSQL_PORT", "MYSQL_DATABASE", "MYSQL_USER", "MYSQL_PASSWORD"},
    {"MARIADB_HOST", "MARIADB_PORT", "MARIADB_DATABASE", "MARIADB_USER", "MARIADB_PASSWORD"},
};

template <typename Spellings>
void spell(Variables& variables, const Spellings& spellings, const ServiceUrl& url) {
  for (const auto& names : spellings) {
    variables[names.host] = url.host;
    variables[names.port] = std::to_string(url.port);
    variables[names.database] = url.database;
    variables[names.user] = url.user;
    variables[names.password] = url.password;
  }
}

Variables postgres_variables(const ServiceUrl& url) {
  Variables variables;
  spell(variables, kCommon, url);
  spell(variables, kPostgres, url);
  variables["DATABASE_URL"] = url.text;
  variables["POSTGRES_URL"] = url.text;
  variables["SQLALCHEMY_DATABASE_URI"] = url.text;
  variables["DB_ENGINE"] = "django.db.backends.postgresql";
  variables["SQL_ENGINE"] = "django.db.backends.postgresql";
  const auto mode = url.options.find("sslmode");
  if (mode != url.options.end()) variables["PGSSLMODE"] = mode->second;
  return variables;
}

Variables mysql_variables(const ServiceUrl& url) {
  Variables variables;
  spell(variables, kCommon, url);
  spell(variables, kMysql, url);
  variables["DATABASE_URL"] = url.text;
  variables["MYSQL_URL"] = url.text;
  variables["SQLALCHEMY_DATABASE_URI"] = url.text;
  variables["DB_ENGINE"] = "django.db.backends.mysql";
  variables["SQL_ENGINE"] = "django.db.backends.mysql";
  return variables;
}

Variables redis_variables(const ServiceUrl& url) {
  return {
      {"REDIS_URL", url.text},          {"CACHE_URL", url.text},
      {"REDIS_HOST", url.host},         {"REDIS_PORT", std::to_string(url.port)},
      {"REDIS_PASSWORD", url.password}, {"REDIS_DB", url.database.empty() ? "0" : url.database}};
}

bool is_relational(ServiceKind kind) {
  return kind == ServiceKind::kPostgres || kind == ServiceKind::kMariadb;
}

std::string prefix_of(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  return name + "_";
}

void add(Variables& all, const Variables& some, const std::string& prefix) {
  for (const auto& [name, value] : some) all.emplace(prefix + name, value);
}

void add_sort(Variables& all, const std::vector<const NamedEndpoint*>& same_sort) {
  if (same_sort.empty()) return;
  add(all, spellings_of(same_sort.front()->url), "");
  if (same_sort.size() == 1) return;
  for (const auto* one : same_sort) add(all, spellings_of(one->url), prefix_of(one->name));
}
}  // namespace

std::map<std::string, std::string> spellings_of(const ServiceUrl& url) {
  switch (url.kind) {
    case ServiceKind::kPostgres:
      return postgres_variables(url);
    case ServiceKind::kMariadb:
      return mysql_variables(url);
    case ServiceKind::kRedis:
      return redis_variables(url);
    case ServiceKind::kMongodb:
      return {};  // no URL of it is parsed yet
  }
  return {};
}

std::map<std::string, std::string> variables_of(const std::vector<NamedEndpoint>& endpoints) {
  std::vector<const NamedEndpoint*> databases;
  std::vector<const NamedEndpoint*> caches;
  for (const auto& one : endpoints) {
    (is_relational(one.url.kind) ? databases : caches).push_back(&one);
  }
  Variables all;
  add_sort(all, databases);
  add_sort(all, caches);
  return all;
}

}  // namespace ecluse::services
