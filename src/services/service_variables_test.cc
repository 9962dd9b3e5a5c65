#include "services/service_variables.h"

#include <gtest/gtest.h>

namespace ecluse::services {
namespace {

NamedEndpoint endpoint(const std::string& name, const std::string& url) {
  return {name, parse_service_url(url).value()};
}

TEST(ServiceVariables, GivesADatabaseUnderEveryUsualSpelling) {
  const auto variables = variables_of({endpoint("db", "postgresql://u:p@10.83.0.2:5432/shop")});
  EXPECT_EQ(variables.at("DATABASE_URL"), "postgresql://u:p@10.83.0.2:5432/shop");
  for (const auto* name : {"POSTGRES_HOST", "PGHOST", "DB_HOST", "SQL_HOST", "DATABASE_HOST"}) {
    EXPECT_EQ(variables.at(name), "10.83.0.2") << name;
  }
  for (const auto* name : {"POSTGRES_PORT", "PGPORT", "DB_PORT", "SQL_PORT"}) {
    EXPECT_EQ(variables.at(name), "5432") << name;
  }
  for (const auto* name : {"POSTGRES_DB", "PGDATABASE", "DB_NAME", "SQL_DATABASE"}) {
    EXPECT_EQ(variables.at(name), "shop") << name;
  }
  for (const auto* name : {"POSTGRES_USER", "PGUSER", "DB_USER", "SQL_USER"}) {
    EXPECT_EQ(variables.at(name), "u") << name;
  }
  for (const auto* name : {"POSTGRES_PASSWORD", "PGPASSWORD", "DB_PASSWORD", "SQL_PASSWORD"}) {
    EXPECT_EQ(variables.at(name), "p") << name;
  }
  EXPECT_FALSE(variables.contains("PGSSLMODE"));
}

TEST(ServiceVariables, KeepsAnExternalUrlAsItWasGiven) {
  const std::string url = "postgresql+psycopg2://u:p@h/d?sslmode=require";
  const auto variables = variables_of({endpoint("db", url)});
  EXPECT_EQ(variables.at("DATABASE_URL"), url);
  EXPECT_EQ(variables.at("PGSSLMODE"), "require");
}

TEST(ServiceVariables, GivesACacheItsSpellings) {
  const auto variables = variables_of({endpoint("cache", "redis://:p@10.83.0.3:6379/0")});
  EXPECT_EQ(variables.at("REDIS_URL"), "redis://:p@10.83.0.3:6379/0");
  EXPECT_EQ(variables.at("CACHE_URL"), "redis://:p@10.83.0.3:6379/0");
  EXPECT_EQ(variables.at("REDIS_HOST"), "10.83.0.3");
  EXPECT_EQ(variables.at("REDIS_PORT"), "6379");
  EXPECT_EQ(variables.at("REDIS_PASSWORD"), "p");
}

TEST(ServiceVariables, PutsTheNameInFrontWhenThereAreSeveral) {
  const auto variables = variables_of({endpoint("db", "postgres://u:p@one/d"),
                                       endpoint("big-reports", "postgres://u:p@two/d"),
                                       endpoint("cache", "redis://three")});
  EXPECT_EQ(variables.at("DB_DATABASE_URL"), "postgres://u:p@one/d");
  EXPECT_EQ(variables.at("BIG_REPORTS_DATABASE_URL"), "postgres://u:p@two/d");
  EXPECT_EQ(variables.at("BIG_REPORTS_PGHOST"), "two");
  EXPECT_EQ(variables.at("DATABASE_URL"), "postgres://u:p@one/d");
  EXPECT_EQ(variables.at("DB_HOST"), "one");
  EXPECT_FALSE(variables.contains("CACHE_REDIS_URL"));
}

TEST(ServiceVariables, KnowsTheNamesOfFastapisTemplates) {
  const auto variables = spellings_of(parse_service_url("postgresql://u:p@h:5432/d").value());
  for (const auto* name : {"DB_URI", "DATABASE_URI", "SQLALCHEMY_DATABASE_URL", "POSTGRES_URI"})
    EXPECT_EQ(variables.at(name), "postgresql://u:p@h:5432/d") << name;
  EXPECT_EQ(variables.at("POSTGRES_SERVER"), "h");
  EXPECT_EQ(variables.at("DATABASE_HOSTNAME"), "h");
  EXPECT_EQ(variables.at("DB_ENGINE"), "django.db.backends.postgresql");
}

}  // namespace
}  // namespace ecluse::services
