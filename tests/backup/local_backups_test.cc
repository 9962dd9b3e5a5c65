// Backups of a real PostgreSQL, run by the real process runtime.
#include "backup/local_backups.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "backup/backup_label.h"
#include "backup/postgres_dump.h"
#include "base/text.h"
#include "os/subprocess.h"
#include "os/temp_folder.h"
#include "ports/backups_conformance.h"
#include "runtime/process/process_runtime.h"
#include "secrets/secret_store.h"
#include "services/local_services.h"

namespace ecluse::ports {
namespace {

namespace fs = std::filesystem;
const model::EnvironmentKey kProd{"lettings", "prod"};
const model::ServiceSpec kDb{.name = "db", .kind = model::ServiceKind::kPostgres};
constexpr const char* kNasty = "O'Neil \"quoted\" $(dollars) `ticks`; DROP TABLE guests; é";

class FixedClock : public Clock {
 public:
  TimePoint now() override { return time_at(1); }
  WallTime wall() override { return WallTime{1'700'000'000'000}; }
};

/// One server for the whole program: a suite of its own per test would start a dozen.
class Server {
 public:
  static Server& instance() {
    static Server server;
    return server;
  }
  ~Server() {
    if (!runtime_) return;
    const auto all = runtime_->list();
    if (!all) return;
    for (const auto& one : *all) (void)runtime_->stop(one.id);  // the folder goes next
  }

  services::LocalServices& services() { return *services_; }
  void ensure() {
    const auto done = services_->ensure(kProd, kDb);
    if (!done) throw std::runtime_error(done.error().message);
  }
  void stop() { (void)services_->stop(kProd, kDb.name); }

  std::string sql(const std::string& database, const std::string& statement) {
    const auto access = services_->access(kProd, kDb);
    if (!access) return "error: " + access.error().message;
    os::Command psql{.argv = {"psql", "-X", "-q", "-A", "-t", "-w", "-c", statement},
                     .env = access->environment,
                     .clean_env = true};
    psql.env["PGDATABASE"] = database;
    const auto answer = os::output_of(psql);
    return answer ? std::string(trim(*answer)) : "error: " + answer.error().message;
  }
  std::string databases() {
    return sql("postgres", "SELECT string_agg(datname, ',') FROM pg_database");
  }

 private:
  Server() {
    runtime_ =
        std::move(*runtime::ProcessRuntime::open(folder_.path() / "d", folder_.path() / "r"));
    secrets_ =
        secrets::SecretStore::open({folder_.path() / "secrets", folder_.path() / "key", {}}, clock_)
            .value();
    services_ = std::make_unique<services::LocalServices>(
        *runtime_, *secrets_,
        services::LocalServicesOptions{.folder = folder_.path() / "services",
                                       .surroundings = runtime_->isolated()
                                                           ? services::Surroundings::kOwnNetwork
                                                           : services::Surroundings::kHost});
    ensure();
    sql("lettings", "CREATE TABLE guests (name text); CREATE TABLE homes (id int PRIMARY KEY)");
    sql("lettings", fmt::format("INSERT INTO guests VALUES ($tag${}$tag$)", kNasty));
    sql("lettings", "INSERT INTO homes SELECT generate_series(1, 1000)");
  }

  os::TempFolder folder_;
  FixedClock clock_;
  std::unique_ptr<runtime::ProcessRuntime> runtime_;
  std::unique_ptr<secrets::SecretStore> secrets_;
  std::unique_ptr<services::LocalServices> services_;
};

class LocalBackupsWorld final : public BackupsWorld {
 public:
  LocalBackupsWorld() {
    Server::instance().ensure();
    reopen();
  }
  Backups& backups() override { return *backups_; }
  void reopen() override {
    backups_ = std::make_unique<backup::LocalBackups>(folder_.path(), Server::instance().services(),
                                                      clock_);
  }
  void database_goes_away() override { Server::instance().stop(); }
  fs::path folder() const { return folder_.path(); }

 private:
  os::TempFolder folder_;
  FixedClock clock_;
  std::unique_ptr<backup::LocalBackups> backups_;
};

INSTANTIATE_TEST_SUITE_P(Postgres, BackupsConformance,
                         testing::Values([] { return std::make_unique<LocalBackupsWorld>(); }));

class LocalBackupsTest : public testing::Test {
 protected:
  static BackupRequest request(model::ReleaseNumber release) { return {kProd, release, {kDb}, {}}; }
  fs::path set_folder(int release) const {
    return world_.folder() / "lettings" / "prod" / fmt::format("{:08}", release);
  }

  LocalBackupsWorld world_;
  Server& server_ = Server::instance();
};

TEST_F(LocalBackupsTest, WhatIsInItComesBack) {
  ASSERT_TRUE(world_.backups().prove(request(7)));
  const auto label = backup::read_label(set_folder(7));
  ASSERT_TRUE(label) << label.error().message;
  ASSERT_EQ(label->dumps.size(), 1U);
  EXPECT_EQ(label->dumps[0].tables, 2U);
  EXPECT_EQ(backup::sha256_of(set_folder(7) / "db.dump"), label->dumps[0].sha256);

  server_.sql("postgres", "CREATE DATABASE again");
  const auto access = server_.services().access(kProd, kDb);
  ASSERT_TRUE(access);
  os::Command restore{.argv = {"pg_restore", "--exit-on-error", "--dbname=again",
                               (set_folder(7) / "db.dump").string()},
                      .env = access->environment,
                      .clean_env = true};
  const auto restored = os::output_of(restore);
  EXPECT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(server_.sql("again", "SELECT name FROM guests"), kNasty);
  EXPECT_EQ(server_.sql("again", "SELECT count(*) FROM homes"), "1000");
  server_.sql("postgres", "DROP DATABASE again");
}

TEST_F(LocalBackupsTest, LeavesNothingOnTheServerAndIsForRootAlone) {
  const auto before = server_.databases();
  ASSERT_TRUE(world_.backups().prove(request(7)));
  EXPECT_EQ(server_.databases(), before);
  EXPECT_EQ(fs::status(set_folder(7)).permissions(), fs::perms::owner_all);
}

TEST_F(LocalBackupsTest, AScratchDatabaseThatACrashLeftIsNoObstacle) {
  const auto access = server_.services().access(kProd, kDb);
  ASSERT_TRUE(access);
  const auto file = world_.folder() / "one.dump";
  ASSERT_TRUE(backup::dump(*access, file));
  server_.sql("postgres", "CREATE DATABASE left_behind");
  server_.sql("left_behind", "CREATE TABLE guests (a int)");
  const auto proof = backup::prove_restore(*access, file, "left_behind");
  ASSERT_TRUE(proof) << proof.error().message;
  EXPECT_EQ(proof->tables, 2U);
  EXPECT_EQ(server_.databases().find("left_behind"), std::string::npos);
}

TEST_F(LocalBackupsTest, ADamagedDumpIsNotProven) {
  const auto access = server_.services().access(kProd, kDb);
  ASSERT_TRUE(access);
  const auto file = world_.folder() / "one.dump";
  ASSERT_TRUE(backup::dump(*access, file));
  fs::resize_file(file, fs::file_size(file) - 40);
  const auto proof = backup::prove_restore(*access, file, "damaged");
  ASSERT_FALSE(proof);
  EXPECT_EQ(server_.databases().find("damaged"), std::string::npos);
}

TEST_F(LocalBackupsTest, WhatACrashLeftOfASetIsMadeAnewAndADamagedOneIsNone) {
  fs::create_directories(set_folder(7));
  std::ofstream(set_folder(7) / "db.dump") << "half of it";
  EXPECT_TRUE(world_.backups().list(kProd)->empty());
  ASSERT_TRUE(world_.backups().prove(request(7)));
  ASSERT_EQ(world_.backups().list(kProd)->size(), 1U);
  std::ofstream(set_folder(7) / "db.dump") << "overwritten";
  EXPECT_TRUE(world_.backups().list(kProd)->empty());
}

TEST_F(LocalBackupsTest, ATableThatIsLockedForTooLongIsNotWaitedFor) {
  const std::string is_locked =
      "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = "
      "'guests'::regclass AND granted";
  std::jthread holder([&] {
    server_.sql("lettings", "BEGIN; LOCK TABLE guests; SELECT pg_sleep(60)");  // until it is ended
  });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (server_.sql("lettings", is_locked) != "1")
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  const auto access = server_.services().access(kProd, kDb);
  ASSERT_TRUE(access);
  const auto dumped =
      backup::dump(*access, world_.folder() / "one.dump", std::chrono::milliseconds(100));
  server_.sql("postgres",
              "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; "
              "LOCK%'");
  ASSERT_FALSE(dumped);
  EXPECT_NE(dumped.error().message.find("LOCK TABLE"), std::string::npos) << dumped.error().message;
}

TEST_F(LocalBackupsTest, APasswordIsInNoMessage) {
  auto access = *server_.services().access(kProd, kDb);
  access.environment["PGPASSWORD"] = "not-the-password";
  const auto dumped = backup::dump(access, world_.folder() / "one.dump");
  ASSERT_FALSE(dumped);
  EXPECT_EQ(dumped.error().message.find("not-the-password"), std::string::npos);
  EXPECT_NE(dumped.error().message.find("password authentication failed"), std::string::npos)
      << dumped.error().message;
}

}  // namespace
}  // namespace ecluse::ports

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (::geteuid() != 0) {
    fmt::print("[  SKIPPED ] needs root: services get users of their own\n");
    return 77;
  }
  return RUN_ALL_TESTS();
}
