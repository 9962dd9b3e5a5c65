#include "preflight/started/judgement.h"

#include <gtest/gtest.h>

#include "preflight/rules/rule.h"

namespace ecluse::preflight {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Situation {
  Observations seen;
  Repository repository;
  model::EnvironmentSpec environment;
  model::ProcessSpec process;
  std::set<std::string> given;
  std::set<std::string> of_the_database;

  Situation() { process.name = "web"; }
  /// "DB-003 block" of each, in the order found.
  std::vector<std::string> rules() const {
    std::vector<std::string> out;
    for (const auto& each : findings()) {
      EXPECT_NE(find_rule(each.rule), nullptr) << each.rule;
      EXPECT_FALSE(each.evidence.empty());
      out.push_back(each.rule + " " + std::string(to_string(*each.severity)));
    }
    return out;
  }
  Findings findings() const {
    return findings_of({seen, repository, environment, process, given, of_the_database});
  }
};
using Rules = std::vector<std::string>;

Situation django_on_sqlite() {
  Situation s;
  s.seen.asked_by = "Django";
  s.seen.databases = {{"default", "django.db.backends.sqlite3", "/app/db.sqlite3"}};
  return s;
}

TEST(Judgement, AnAppThatShowsNothingWrongHasNoFinding) {
  Situation s;
  s.seen.asked_by = "Django";
  s.seen.databases = {{"default", "django.db.backends.postgresql", "shop"}};
  s.seen.own_hosts = {{"/", "shop.localhost", 200}};
  s.seen.foreign_host = SeenPage{"/", "examination.invalid", 400};
  s.seen.assets = {{"/static/a.css", "shop.localhost", 200}};
  s.seen.health = SeenPage{"/health/", "shop.localhost", 200};
  s.seen.health_without_database = SeenPage{"/health/", "shop.localhost", 503};
  s.seen.user = 1983000000;
  s.seen.stop_took = milliseconds(300);
  s.seen.stop_given = seconds(10);
  s.seen.traced = true;
  s.seen.read = {"REGION"};
  s.given = {"REGION"};
  EXPECT_EQ(s.rules(), Rules{});
}

TEST(Judgement, SqliteIsRightForOneInstanceWithoutADatabaseService) {
  EXPECT_EQ(django_on_sqlite().rules(), Rules{});
}

TEST(Judgement, SqliteBesideADatabaseServiceBlocks) {
  auto s = django_on_sqlite();
  s.environment.services = {{.name = "db", .kind = model::ServiceKind::kPostgres}};
  EXPECT_EQ(s.rules(), Rules{"DB-003 block"});
  EXPECT_NE(s.findings()[0].evidence.find("django.db.backends.sqlite3 at /app/db.sqlite3"),
            std::string::npos);
  s.seen.databases[0].alias = "archive";  // the default one may be the service
  EXPECT_EQ(s.rules(), Rules{});
}

TEST(Judgement, SqliteWithSeveralInstancesBlocks) {
  auto s = django_on_sqlite();
  s.process.instances = 2;
  EXPECT_EQ(s.rules(), Rules{"DB-001 block"});
}

TEST(Judgement, ACacheIsNoDatabase) {
  auto s = django_on_sqlite();
  s.environment.services = {{.name = "cache", .kind = model::ServiceKind::kRedis}};
  EXPECT_EQ(s.rules(), Rules{});
}

TEST(Judgement, AHostOfItsOwnThatIsRefused) {
  Situation s;
  s.seen.own_hosts = {{"/", "shop.localhost", 200}, {"/", "www.shop.localhost", 400}};
  EXPECT_EQ(s.rules(), Rules{"DJ-003 major"});
}

TEST(Judgement, AForeignHostMattersWhereTheFrameworkChecksHosts) {
  Situation s;
  s.seen.own_hosts = {{"/", "shop.localhost", 200}};
  s.seen.foreign_host = SeenPage{"/", "examination.invalid", 200};
  EXPECT_EQ(s.rules(), Rules{});
  s.seen.asked_by = "Django";
  EXPECT_EQ(s.rules(), Rules{"DJ-002 warn"});
}

TEST(Judgement, WerkzeugsDebuggerBlocksAndDjangosPageDoesNot) {
  Situation s;
  s.seen.debugger = "Werkzeug's debugger answers at /?__debugger__=yes";
  EXPECT_EQ(s.rules(), Rules{"RT-001 block"});
  s.seen.debugger = "Django's debug page answers";
  EXPECT_EQ(s.rules(), Rules{"DJ-001 major"});
}

TEST(Judgement, AHealthPageThatStaysGreenOnlyCountsIfItWasGreen) {
  Situation s;
  s.seen.health = SeenPage{"/health", "shop.localhost", 200};
  s.seen.health_without_database = SeenPage{"/health", "shop.localhost", 200};
  EXPECT_EQ(s.rules(), Rules{"HC-006 warn"});
  s.seen.health->status = 500;
  EXPECT_EQ(s.rules(), Rules{});
}

TEST(Judgement, ProcessesSecretsAndSignals) {
  Situation s;
  s.seen.user = 0;
  s.seen.in_arguments = {"API_TOKEN"};
  s.seen.in_output = {"DB_PASSWORD"};
  s.seen.stop_given = seconds(10);
  s.seen.stop_took = milliseconds(10'040);
  EXPECT_EQ(s.rules(), (Rules{"RT-003 major", "RT-004 major", "RT-005 major", "RT-002 major"}));
  s = {};
  s.seen.stop_took = milliseconds(99'000);  // it was not tried
  EXPECT_EQ(s.rules(), Rules{});
}

TEST(Judgement, MissingAssetsAreOneFinding) {
  Situation s;
  s.seen.assets = {{"/static/a.css", "h", 404}, {"/static/b.js", "h", 404}, {"/x.png", "h", 200}};
  EXPECT_EQ(s.rules(), Rules{"DJ-006 major"});
}

TEST(Judgement, AVariableIsUnreadOnlyWhenBothSidesSaySo) {
  Situation s;
  s.given = {"REGOIN", "TZ", "WORKERS", "IN_CODE"};
  s.process.command = "gunicorn --workers $WORKERS app";
  s.repository.code.push_back({});
  s.repository.code.back().reads.push_back({.name = "IN_CODE"});
  EXPECT_EQ(s.rules(), Rules{}) << "not traced, so nothing is known";
  s.seen.traced = true;
  EXPECT_EQ(s.rules(), Rules{"RT-006 info"});
  EXPECT_NE(s.findings()[0].evidence.find("REGOIN"), std::string::npos);
  s.seen.read = {"*"};
  EXPECT_EQ(s.rules(), Rules{}) << "it read them all";
}

TEST(Judgement, ADatabaseThatNobodyAsksFor) {
  Situation s;
  s.seen.traced = true;
  s.of_the_database = {"DATABASE_URL", "DB_HOST"};
  EXPECT_EQ(s.rules(), Rules{"RT-006 warn"});
  s.seen.read = {"DB_HOST"};
  EXPECT_EQ(s.rules(), Rules{});
}

}  // namespace
}  // namespace ecluse::preflight
