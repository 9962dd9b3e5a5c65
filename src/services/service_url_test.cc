#include "services/service_url.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace ecluse::services {
namespace {

using model::ServiceKind;

TEST(ServiceUrl, ReadsEveryPart) {
  const auto url =
      parse_service_url("postgresql://ada:p%40ss%2Fw@db.example.org:6543/shop?sslmode=require&x=1");
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(url->kind, ServiceKind::kPostgres);
  EXPECT_EQ(url->user, "ada");
  EXPECT_EQ(url->password, "p@ss/w");
  EXPECT_EQ(url->host, "db.example.org");
  EXPECT_EQ(url->port, 6543);
  EXPECT_EQ(url->database, "shop");
  EXPECT_EQ(url->options.at("sslmode"), "require");
  EXPECT_TRUE(url->tls);
}

TEST(ServiceUrl, KnowsTheSchemesPeopleWrite) {
  const auto kind = [](const char* text) { return parse_service_url(text).value().kind; };
  EXPECT_EQ(kind("postgres://u:p@h/d"), ServiceKind::kPostgres);
  EXPECT_EQ(kind("postgresql+psycopg2://u:p@h/d"), ServiceKind::kPostgres);
  EXPECT_EQ(kind("mysql+pymysql://u:p@h/d"), ServiceKind::kMariadb);
  EXPECT_EQ(kind("redis://h"), ServiceKind::kRedis);
  EXPECT_TRUE(parse_service_url("rediss://:p@h/0")->tls);
}

TEST(ServiceUrl, FillsTheUsualPortIn) {
  EXPECT_EQ(parse_service_url("postgres://u@h/d")->port, 5432);
  EXPECT_EQ(parse_service_url("mysql://u@h/d")->port, 3306);
  EXPECT_EQ(parse_service_url("redis://h")->port, 6379);
}

TEST(ServiceUrl, ReadsIpv6) {
  const auto url = parse_service_url("redis://[2001:db8::1]:6400/2");
  EXPECT_EQ(url->host, "2001:db8::1");
  EXPECT_EQ(url->port, 6400);
  EXPECT_EQ(url->database, "2");
}

struct Bad {
  const char* text;
  const char* says;
};
class BadServiceUrl : public testing::TestWithParam<Bad> {};

TEST_P(BadServiceUrl, IsRefusedWithoutQuotingThePassword) {
  const auto url = parse_service_url(GetParam().text);
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(url.error().message.find(GetParam().says), std::string::npos) << url.error().message;
  EXPECT_EQ(url.error().message.find("hunter2"), std::string::npos);
  EXPECT_FALSE(url.error().hint.empty());
}

INSTANTIATE_TEST_SUITE_P(
    All, BadServiceUrl,
    testing::Values(
        Bad{"", "empty"}, Bad{"db.example.org", "scheme"},
        Bad{"sqlite:///x.db", "'sqlite' is not one of"}, Bad{"redis+tls://h", "is not one of"},
        Bad{"postgres://u:hunter2@h", "database"}, Bad{"postgres://u:hunter2@/d", "host of"},
        Bad{"postgres://u:hunter2@a,b/d", "a list"}, Bad{"postgres://u:hunter2@h:0/d", "port"},
        Bad{"postgres://u:hunter2@h:x/d", "port"}, Bad{"postgres://u:hunter2@h:70000/d", "port"},
        Bad{"postgres://u:hunter2%@h/d", "escape"}, Bad{"postgres://u:hunter2#1@h/d", "'#'"},
        Bad{"postgres://u:hunter2 @h/d", "space"}, Bad{"postgres://u:hunter2@h/d\n", "line end"},
        Bad{"postgres://u:hunter2@h/d?sslmode=on", "sslmode"},
        Bad{"postgres://u:hunter2@h/d?a=1&a=2", "twice"},
        Bad{"postgres://u:hunter2@h/a/b", "several parts"},
        Bad{"postgres://u:hunter2@[::1/d", "host"}, Bad{"redis://:hunter2@h/x", "number"},
        Bad{"postgres://u:%00hunter2@h/d", "escape"}));

TEST(ServiceUrl, AnyPasswordSurvivesEncodingAndParsing) {
  rc::check([](const std::string& password) {
    RC_PRE(password.find('\0') == std::string::npos);
    const auto url = parse_service_url("postgres://u:" + percent_encoded(password) + "@h/d");
    RC_ASSERT(url.has_value());
    RC_ASSERT(url->password == password);
  });
}

TEST(ServiceUrl, NoTextBreaksTheParser) {
  rc::check([](const std::string& rest) { (void)parse_service_url("postgres://" + rest); });
}

TEST(ServiceUrl, NamesADriverInSqlalchemysSpelling) {
  const auto named = [](const char* text, const char* driver) {
    return with_driver(parse_service_url(text).value(), driver).text;
  };
  EXPECT_EQ(named("postgresql://u:p@h:1/d", "asyncpg"), "postgresql+asyncpg://u:p@h:1/d");
  EXPECT_EQ(named("postgres://u:p@h/d?x=1", "psycopg"), "postgresql+psycopg://u:p@h/d?x=1");
  EXPECT_EQ(named("mysql://u:p@h/d", "pymysql"), "mysql+pymysql://u:p@h/d");
  EXPECT_EQ(named("postgresql+pg8000://u:p@h/d", "asyncpg"), "postgresql+pg8000://u:p@h/d");
  EXPECT_EQ(named("postgresql://u:p@h/d", ""), "postgresql://u:p@h/d");
}

}  // namespace
}  // namespace ecluse::services
