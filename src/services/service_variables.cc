#include "services/service_variables.h"

#include <algorithm>

#include "model/service_variable.h"

namespace ecluse::services {

namespace {
using model::ServiceFact;
using model::ServiceKind;
using Variables = std::map<std::string, std::string>;

std::string engine_of(ServiceKind kind) {
  return kind == ServiceKind::kMariadb ? "django.db.backends.mysql"
                                       : "django.db.backends.postgresql";
}

std::string text_of(ServiceFact fact, const ServiceUrl& url) {
  switch (fact) {
    case ServiceFact::kUrl:
      return url.text;
    case ServiceFact::kHost:
      return url.host;
    case ServiceFact::kPort:
      return std::to_string(url.port);
    case ServiceFact::kDatabase:
      return url.database.empty() && url.kind == ServiceKind::kRedis ? "0" : url.database;
    case ServiceFact::kUser:
      return url.user;
    case ServiceFact::kPassword:
      return url.password;
    case ServiceFact::kEngine:
      return engine_of(url.kind);
  }
  return {};
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
  Variables variables;
  for (const auto& [name, fact] : model::service_variables(url.kind))
    variables.emplace(name, text_of(fact, url));
  const auto mode = url.options.find("sslmode");
  if (url.kind == ServiceKind::kPostgres && mode != url.options.end())
    variables["PGSSLMODE"] = mode->second;
  return variables;
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
