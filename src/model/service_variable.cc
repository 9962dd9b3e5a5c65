#include "model/service_variable.h"

#include <vector>

namespace ecluse::model {

namespace {

using List = std::vector<ServiceVariable>;

constexpr ServiceVariable kCommon[] = {
    {"DATABASE_URL", ServiceFact::kUrl},
    {"DATABASE_URI", ServiceFact::kUrl},
    {"DB_URL", ServiceFact::kUrl},
    {"DB_URI", ServiceFact::kUrl},
    {"DB_DSN", ServiceFact::kUrl},
    {"DATABASE_DSN", ServiceFact::kUrl},
    {"ASYNC_DATABASE_URL", ServiceFact::kUrl},
    {"SQLALCHEMY_DATABASE_URI", ServiceFact::kUrl},
    {"SQLALCHEMY_DATABASE_URL", ServiceFact::kUrl},
    {"DB_HOST", ServiceFact::kHost},
    {"DATABASE_HOST", ServiceFact::kHost},
    {"DATABASE_HOSTNAME", ServiceFact::kHost},
    {"DB_HOSTNAME", ServiceFact::kHost},
    {"SQL_HOST", ServiceFact::kHost},
    {"DB_PORT", ServiceFact::kPort},
    {"DATABASE_PORT", ServiceFact::kPort},
    {"SQL_PORT", ServiceFact::kPort},
    {"DB_NAME", ServiceFact::kDatabase},
    {"DB_DATABASE", ServiceFact::kDatabase},
    {"DATABASE_NAME", ServiceFact::kDatabase},
    {"SQL_DATABASE", ServiceFact::kDatabase},
    {"DB_USER", ServiceFact::kUser},
    {"DB_USERNAME", ServiceFact::kUser},
    {"DATABASE_USER", ServiceFact::kUser},
    {"DATABASE_USERNAME", ServiceFact::kUser},
    {"SQL_USER", ServiceFact::kUser},
    {"DB_PASSWORD", ServiceFact::kPassword},
    {"DB_PASS", ServiceFact::kPassword},
    {"DATABASE_PASSWORD", ServiceFact::kPassword},
    {"SQL_PASSWORD", ServiceFact::kPassword},
    {"DB_ENGINE", ServiceFact::kEngine},
    {"SQL_ENGINE", ServiceFact::kEngine},
};
constexpr ServiceVariable kPostgres[] = {
    {"POSTGRES_URL", ServiceFact::kUrl},
    {"POSTGRES_URI", ServiceFact::kUrl},
    {"POSTGRES_DSN", ServiceFact::kUrl},
    {"POSTGRES_PRISMA_URL", ServiceFact::kUrl},
    {"POSTGRES_URL_NON_POOLING", ServiceFact::kUrl},
    {"PG_URL", ServiceFact::kUrl},
    {"PG_DSN", ServiceFact::kUrl},
    {"POSTGRES_HOST", ServiceFact::kHost},
    {"POSTGRES_SERVER", ServiceFact::kHost},
    {"POSTGRES_HOSTNAME", ServiceFact::kHost},
    {"PGHOST", ServiceFact::kHost},
    {"PG_HOST", ServiceFact::kHost},
    {"POSTGRES_PORT", ServiceFact::kPort},
    {"PGPORT", ServiceFact::kPort},
    {"PG_PORT", ServiceFact::kPort},
    {"POSTGRES_DB", ServiceFact::kDatabase},
    {"POSTGRES_DATABASE", ServiceFact::kDatabase},
    {"POSTGRES_NAME", ServiceFact::kDatabase},
    {"POSTGRES_DBNAME", ServiceFact::kDatabase},
    {"PGDATABASE", ServiceFact::kDatabase},
    {"PG_DATABASE", ServiceFact::kDatabase},
    {"PG_DB", ServiceFact::kDatabase},
    {"PG_NAME", ServiceFact::kDatabase},
    {"POSTGRES_USER", ServiceFact::kUser},
    {"POSTGRES_USERNAME", ServiceFact::kUser},
    {"PGUSER", ServiceFact::kUser},
    {"PG_USER", ServiceFact::kUser},
    {"PG_USERNAME", ServiceFact::kUser},
    {"POSTGRES_PASSWORD", ServiceFact::kPassword},
    {"POSTGRES_PASS", ServiceFact::kPassword},
    {"PGPASSWORD", ServiceFact::kPassword},
    {"PG_PASSWORD", ServiceFact::kPassword},
    {"PG_PASS", ServiceFact::kPassword},
};
constexpr ServiceVariable kMysql[] = {
    {"MYSQL_URL", ServiceFact::kUrl},
    {"MYSQL_HOST", ServiceFact::kHost},
    {"MARIADB_HOST", ServiceFact::kHost},
    {"MYSQL_PORT", ServiceFact::kPort},
    {"MARIADB_PORT", ServiceFact::kPort},
    {"MYSQL_DATABASE", ServiceFact::kDatabase},
    {"MARIADB_DATABASE", ServiceFact::kDatabase},
    {"MYSQL_USER", ServiceFact::kUser},
    {"MARIADB_USER", ServiceFact::kUser},
    {"MYSQL_PASSWORD", ServiceFact::kPassword},
    {"MARIADB_PASSWORD", ServiceFact::kPassword},
};
constexpr ServiceVariable kRedis[] = {
    {"REDIS_URL", ServiceFact::kUrl},     {"REDIS_URI", ServiceFact::kUrl},
    {"CACHE_URL", ServiceFact::kUrl},     {"REDIS_HOST", ServiceFact::kHost},
    {"REDIS_PORT", ServiceFact::kPort},   {"REDIS_PASSWORD", ServiceFact::kPassword},
    {"REDIS_DB", ServiceFact::kDatabase},
};

List with_common(std::span<const ServiceVariable> own) {
  List all(std::begin(kCommon), std::end(kCommon));
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

}  // namespace

std::span<const ServiceVariable> service_variables(ServiceKind kind) {
  static const List postgres = with_common(kPostgres);
  static const List mysql = with_common(kMysql);
  switch (kind) {
    case ServiceKind::kPostgres:
      return postgres;
    case ServiceKind::kMariadb:
      return mysql;
    case ServiceKind::kRedis:
      return kRedis;
    case ServiceKind::kMongodb:
      return {};  // no URL of it is parsed yet
  }
  return {};
}

}  // namespace ecluse::model
