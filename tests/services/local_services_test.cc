// Real PostgreSQL and Redis, run by the real process runtime.
#include "services/local_services.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>

#include "base/text.h"
#include "os/file.h"
#include "os/subprocess.h"
#include "os/temp_folder.h"
#include "runtime/process/process_runtime.h"
#include "secrets/secret_store.h"
#include "services/oom_protection.h"
#include "services/service_label.h"

namespace ecluse::services {
namespace {

namespace fs = std::filesystem;
using model::EnvironmentKey;
using model::ServiceKind;
using model::ServiceSpec;

const EnvironmentKey kProd{"lettings", "prod"};
const EnvironmentKey kPreprod{"lettings", "preprod"};
const ServiceSpec kDb{.name = "db", .kind = ServiceKind::kPostgres};
const ServiceSpec kCache{.name = "cache", .kind = ServiceKind::kRedis};

class FixedClock : public ports::Clock {
 public:
  TimePoint now() override { return time_at(1); }
  WallTime wall() override { return WallTime{1}; }
};

using Variables = std::map<std::string, std::string>;

class LocalServicesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: services get users of their own";
    reopen();
  }
  void TearDown() override {
    if (!runtime_) return;
    const auto all = runtime_->list();
    ASSERT_TRUE(all);
    for (const auto& one : *all) EXPECT_TRUE(runtime_->stop(one.id)) << one.id;
  }
  /// As a restart of the control plane does: everything anew, on the same folders.
  void reopen(EnginePlaces engines = {}) {
    services_.reset();
    secrets_.reset();
    runtime_.reset();
    auto opened = runtime::ProcessRuntime::open(folder_.path() / "d", folder_.path() / "r");
    ASSERT_TRUE(opened) << opened.error().message;
    runtime_ = std::move(*opened);
    secrets_ =
        secrets::SecretStore::open({folder_.path() / "secrets", folder_.path() / "key", {}}, clock_)
            .value();
    services_ = std::make_unique<LocalServices>(
        *runtime_, *secrets_,
        LocalServicesOptions{
            .folder = services_folder(),
            .surroundings = runtime_->isolated() ? Surroundings::kOwnNetwork : Surroundings::kHost,
            .engines = std::move(engines)});
  }
  fs::path services_folder() const { return folder_.path() / "d" / "services"; }

  /// Nothing that follows makes sense without it, so a failure ends the test.
  void ensure(const EnvironmentKey& key, const ServiceSpec& spec) {
    if (const auto done = services_->ensure(key, spec); !done) {
      throw std::runtime_error(done.error().message);
    }
  }
  Variables variables(const EnvironmentKey& key, const ServiceSpec& spec) {
    auto found = services_->variables(key, {spec});
    EXPECT_TRUE(found) << found.error().message;
    return found.value_or(Variables{});
  }
  /// As the app would: psql with the PG* variables that the app gets.
  std::string sql(const Variables& variables, const std::string& statement) {
    os::Command command{.argv = {"psql", "-X", "-q", "-A", "-t", "-w", "-c", statement}};
    command.env = variables;
    auto answer = os::output_of(command);
    return answer ? std::string(trim(*answer)) : "error: " + answer.error().message;
  }
  std::string redis(const Variables& variables, const std::vector<std::string>& words) {
    os::Command command{
        .argv = {"redis-cli", "-h", variables.at("REDIS_HOST"), "-p", variables.at("REDIS_PORT")},
        .env = {{"REDISCLI_AUTH", variables.at("REDIS_PASSWORD")}}};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    auto answer = os::output_of(command);
    return answer ? std::string(trim(*answer)) : "error: " + answer.error().message;
  }
  ports::InstanceStatus instance(const std::string& id) {
    auto status = runtime_->status(id);
    EXPECT_TRUE(status) << status.error().message;
    return status.value_or(ports::InstanceStatus{});
  }
  ports::ServiceStatus service(const EnvironmentKey& key, const ServiceSpec& spec) {
    return services_->status(key, {spec}).value().at(0);
  }
  /// Kills the server's main process and waits until its shim has started another one.
  void kill_and_await_another(const std::string& id) {
    const auto before = instance(id);
    ASSERT_GT(before.pid, 0);
    ASSERT_EQ(::kill(before.pid, SIGKILL), 0);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (instance(id).starts == before.starts) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      ::poll(nullptr, 0, 10);
    }
  }

  os::TempFolder folder_;
  FixedClock clock_;
  std::unique_ptr<runtime::ProcessRuntime> runtime_;
  std::unique_ptr<secrets::SecretStore> secrets_;
  std::unique_ptr<LocalServices> services_;
};

TEST_F(LocalServicesTest, GivesAnAppItsOwnPostgres) {
  ensure(kProd, kDb);
  const auto app = variables(kProd, kDb);
  EXPECT_EQ(sql(app, "CREATE TABLE t(a int); INSERT INTO t VALUES(7); SELECT a FROM t"), "7");
  EXPECT_EQ(sql(app, "SELECT current_user"), "lettings");
  EXPECT_EQ(sql(app, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"), "f");
  EXPECT_EQ(sql(app, "SHOW password_encryption"), "scram-sha-256");
  EXPECT_EQ(sql(app, "SHOW server_encoding"), "UTF8");

  const auto status = service(kProd, kDb);
  EXPECT_TRUE(status.healthy) << status.detail;
  EXPECT_EQ(status.detail, "accepting connections");
  EXPECT_EQ(status.version, read_label(services_folder() / "lettings/prod/db").value()->major);
  EXPECT_EQ(status.connections_max, 97U);
  EXPECT_FALSE(status.external);

  auto wrong = app;
  wrong["PGPASSWORD"] = "wrong";
  EXPECT_NE(sql(wrong, "SELECT 1").find("password authentication failed"), std::string::npos);
}

TEST_F(LocalServicesTest, RunsPostgresUnprivilegedAndProtected) {
  ensure(kProd, kDb);
  const auto pid = instance("lettings-prod-service-db").pid;
  struct stat proc{};
  ASSERT_EQ(::stat(fmt::format("/proc/{}", pid).c_str(), &proc), 0);
  EXPECT_NE(proc.st_uid, 0U);
  // 0 where this machine does not give us the capability; said in the log and by `doctor`.
  const auto oom = os::read_file(fmt::format("/proc/{}/oom_score_adj", pid), 64).value();
  EXPECT_EQ(trim(oom), std::to_string(best_oom_score_adj()));
}

TEST_F(LocalServicesTest, EnsuringAgainChangesNothing) {
  ensure(kProd, kDb);
  const auto before = variables(kProd, kDb);
  const auto pid = instance("lettings-prod-service-db").pid;
  ensure(kProd, kDb);
  EXPECT_EQ(variables(kProd, kDb), before);
  EXPECT_EQ(instance("lettings-prod-service-db").pid, pid);
}

TEST_F(LocalServicesTest, GoesOnWhenEcluseRestarts) {
  ensure(kProd, kDb);
  const auto before = variables(kProd, kDb);
  const auto pid = instance("lettings-prod-service-db").pid;
  reopen();
  ensure(kProd, kDb);
  EXPECT_EQ(variables(kProd, kDb), before);
  EXPECT_EQ(instance("lettings-prod-service-db").pid, pid);
}

TEST_F(LocalServicesTest, DataOutlivesAStop) {
  ensure(kProd, kDb);
  EXPECT_EQ(sql(variables(kProd, kDb), "CREATE TABLE t AS SELECT 5 AS a; SELECT a FROM t"), "5");
  ASSERT_TRUE(services_->stop(kProd, "db"));
  EXPECT_EQ(service(kProd, kDb).detail, "it is not running");
  EXPECT_EQ(services_->variables(kProd, {kDb}).error().kind, ErrorKind::kUnavailable);
  ensure(kProd, kDb);
  EXPECT_EQ(sql(variables(kProd, kDb), "SELECT a FROM t"), "5");
}

TEST_F(LocalServicesTest, DataAndAddressOutliveAKilledPostmaster) {
  ensure(kProd, kDb);
  const auto app = variables(kProd, kDb);
  EXPECT_EQ(sql(app, "CREATE TABLE t AS SELECT 5 AS a; SELECT a FROM t"), "5");
  kill_and_await_another("lettings-prod-service-db");
  ensure(kProd, kDb);
  EXPECT_EQ(variables(kProd, kDb), app);
  EXPECT_EQ(sql(app, "SELECT a FROM t"), "5");
}

TEST_F(LocalServicesTest, EnvironmentsHaveDatabasesOfTheirOwn) {
  ensure(kProd, kDb);
  ensure(kPreprod, kDb);
  const auto prod = variables(kProd, kDb);
  const auto preprod = variables(kPreprod, kDb);
  EXPECT_NE(prod.at("PGPASSWORD"), preprod.at("PGPASSWORD"));
  EXPECT_NE(prod.at("DATABASE_URL"), preprod.at("DATABASE_URL"));
  sql(prod, "CREATE TABLE only_in_prod(a int)");
  EXPECT_EQ(sql(preprod, "SELECT count(*) FROM pg_tables WHERE tablename = 'only_in_prod'"), "0");
}

TEST_F(LocalServicesTest, GivesAnAppItsOwnRedisThatKeepsItsData) {
  ensure(kProd, kCache);
  const auto app = variables(kProd, kCache);
  EXPECT_EQ(redis(app, {"SET", "k", "v"}), "OK");
  EXPECT_TRUE(service(kProd, kCache).healthy);
  auto wrong = app;
  wrong["REDIS_PASSWORD"] = "wrong";
  EXPECT_NE(redis(wrong, {"GET", "k"}).find("NOAUTH"), std::string::npos);

  kill_and_await_another("lettings-prod-service-cache");
  ensure(kProd, kCache);
  EXPECT_EQ(variables(kProd, kCache), app);
  EXPECT_EQ(redis(app, {"GET", "k"}), "v");

  ASSERT_TRUE(services_->stop(kProd, "cache"));
  ensure(kProd, kCache);
  EXPECT_EQ(redis(variables(kProd, kCache), {"GET", "k"}), "v");
}

/// Every command line of the machine, and every file below `folder`.
std::string all_command_lines() {
  std::string all;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    // Processes come and go while we look.
    all += os::read_file(entry.path() / "cmdline", 1 << 20).value_or("") + "\n";
  }
  return all;
}

TEST_F(LocalServicesTest, NoPasswordIsInACommandLineALogOrADataFolder) {
  ensure(kProd, kDb);
  ensure(kProd, kCache);
  const std::vector<std::string> passwords = {variables(kProd, kDb).at("PGPASSWORD"),
                                              variables(kProd, kCache).at("REDIS_PASSWORD")};
  std::string seen = all_command_lines();
  for (const auto* id : {"lettings-prod-service-db", "lettings-prod-service-cache"}) {
    seen += runtime_->logs(id, {.lines_max = 1000}).value().text;
  }
  for (const auto& entry : fs::recursive_directory_iterator(services_folder())) {
    if (entry.is_regular_file()) seen += os::read_file(entry.path(), 64 << 20).value_or("");
  }
  ASSERT_GT(seen.size(), 1U << 20);
  for (const auto& password : passwords) {
    EXPECT_EQ(seen.find(password), std::string::npos);
    EXPECT_NE(secrets_->redact("x " + password), "x " + password);
  }
}

TEST_F(LocalServicesTest, RefusesDataOfAnotherMajorVersion) {
  const auto folder = services_folder() / "lettings/prod/db";
  fs::create_directories(folder);
  const ServiceLabel old{.major = "9", .port = 5432, .initialised = true};
  ASSERT_TRUE(write_label(folder, old));
  const auto refused = services_->ensure(kProd, kDb);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kRefused);
  EXPECT_NE(refused.error().message.find("postgres 9 is not installed"), std::string::npos);
  EXPECT_NE(refused.error().hint.find("apt install postgresql-9"), std::string::npos);
  EXPECT_EQ(*read_label(folder).value(), old);

  auto spec = kDb;
  spec.version = "15";
  const auto asked = services_->ensure(kProd, spec);
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().kind, ErrorKind::kRefused);
  EXPECT_NE(asked.error().message.find("made by postgres 9, ecluse.yml asks for version 15"),
            std::string::npos);
}

TEST_F(LocalServicesTest, DataThatVanishedIsNotMadeAnew) {
  ensure(kProd, kDb);
  ASSERT_TRUE(services_->stop(kProd, "db"));
  const auto folder = services_folder() / "lettings/prod/db";
  fs::rename(folder / "data", folder / "moved");
  const auto refused = services_->ensure(kProd, kDb);
  ASSERT_FALSE(refused);
  EXPECT_FALSE(fs::exists(folder / "data" / "pg15"));
}

TEST_F(LocalServicesTest, AFailedBeginningIsToldAndTriedAgain) {
  // An engine whose initdb fails: only the program that is looked for is there.
  const auto broken = folder_.path() / "engines";
  const auto major = installed_engines(ServiceKind::kPostgres, {}).at(0).major;
  fs::create_directories(broken / major / "bin");
  fs::create_symlink("/bin/false", broken / major / "bin" / "postgres");
  fs::create_symlink("/bin/false", broken / major / "bin" / "initdb");
  reopen({.postgres = broken});
  const auto failed = services_->ensure(kProd, kDb);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("making its data failed with exit code"), std::string::npos)
      << failed.error().message;
  reopen();
  ensure(kProd, kDb);
  EXPECT_TRUE(service(kProd, kDb).healthy);
}

TEST_F(LocalServicesTest, AnExternalDatabaseWorksTheSame) {
  ensure(kProd, kDb);
  const auto own = variables(kProd, kDb);
  auto external = kDb;
  external.url = own.at("DATABASE_URL");
  ensure(kPreprod, external);
  EXPECT_EQ(variables(kPreprod, external), own);
  EXPECT_TRUE(service(kPreprod, external).healthy);
  EXPECT_TRUE(service(kPreprod, external).external);

  ASSERT_TRUE(secrets_->set(kPreprod, "DATABASE_URL", own.at("DATABASE_URL"), "ada"));
  external.url = model::SecretRef{"DATABASE_URL"};
  ensure(kPreprod, external);
  external.url = model::SecretRef{"OTHER_URL"};
  EXPECT_EQ(services_->ensure(kPreprod, external).error().kind, ErrorKind::kNotFound);
}

TEST_F(LocalServicesTest, AnExternalDatabaseThatIsDownOrRefusesIsSaid) {
  ensure(kProd, kDb);
  auto app = variables(kProd, kDb);
  auto external = kDb;
  external.url = fmt::format("postgresql://lettings:hunter2@{}:{}/lettings", app.at("PGHOST"),
                             app.at("PGPORT"));
  const auto refused = services_->ensure(kPreprod, external);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
  EXPECT_NE(refused.error().message.find("password authentication failed"), std::string::npos);
  EXPECT_EQ(refused.error().message.find("hunter2"), std::string::npos);

  external.url = "postgresql://u:hunter2@127.0.0.1:1/d";
  const auto down = services_->ensure(kPreprod, external);
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().kind, ErrorKind::kUnavailable);
  EXPECT_NE(down.error().message.find("refused"), std::string::npos) << down.error().message;
  EXPECT_FALSE(service(kPreprod, external).healthy);

  auto mismatched = kCache;
  mismatched.url = "postgresql://u:hunter2@127.0.0.1:1/d";
  EXPECT_EQ(services_->ensure(kPreprod, mismatched).error().kind, ErrorKind::kInvalid);
}

TEST_F(LocalServicesTest, WhatHasNoEngineYetIsRefused) {
  for (const auto kind : {ServiceKind::kMariadb, ServiceKind::kMongodb}) {
    const auto refused = services_->ensure(kProd, {.name = "db", .kind = kind});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kRefused);
    EXPECT_NE(refused.error().message.find("is not available yet"), std::string::npos);
  }
}

}  // namespace
}  // namespace ecluse::services
