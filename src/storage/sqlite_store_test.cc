#include "storage/sqlite_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "base/prng.h"
#include "os/file.h"
#include "os/temp_folder.h"
#include "ports/store_conformance.h"
#include "storage/sqlite.h"

namespace ecluse::ports {
namespace {

/// A SqliteStore that owns its folder.
class StoreInFolder : public Store {
 public:
  Result<void> commit(const Batch& batch) override { return store_->commit(batch); }
  Result<std::optional<std::string>> get(const std::string& key) override {
    return store_->get(key);
  }
  Result<std::map<std::string, std::string>> scan(const std::string& prefix) override {
    return store_->scan(prefix);
  }
  Result<std::vector<StoredEvent>> events(const EventQuery& query) override {
    return store_->events(query);
  }

 private:
  os::TempFolder folder_;
  std::unique_ptr<Store> store_ = storage::SqliteStore::open(folder_.path() / "state.db").value();
};

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance,
                         testing::Values([] { return std::make_unique<StoreInFolder>(); }));

}  // namespace
}  // namespace ecluse::ports

namespace ecluse::storage {
namespace {

using ports::Batch;
using ports::StoredEvent;

class SqliteStoreTest : public testing::Test {
 protected:
  Result<std::unique_ptr<SqliteStore>> open(SqliteStoreOptions options = {}) {
    return SqliteStore::open(file_, options);
  }
  void fill(int commits) {
    const auto store = open().value();
    for (int i = 1; i <= commits; ++i) {
      ASSERT_TRUE(store->commit({.events = {StoredEvent{.subject = "s", .kind = "k"}},
                                 .put = {{fmt::format("key/{}", i), std::string(200, 'v')}}}));
    }
  }
  std::string bytes() { return os::read_file(file_, 64 << 20).value(); }
  void overwrite(const std::string& bytes) { std::ofstream(file_, std::ios::binary) << bytes; }

  /// Opening must fail, name the file, and leave every byte as it was.
  void expect_damage_is_said_and_kept() {
    const auto before = bytes();
    const auto opened = open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::kInternal);
    EXPECT_NE(opened.error().message.find(file_.string()), std::string::npos)
        << opened.error().message;
    EXPECT_NE(opened.error().hint.find("restore a backup"), std::string::npos);
    EXPECT_EQ(bytes(), before);
  }

  os::TempFolder folder_;
  std::filesystem::path file_ = folder_.path() / "state.db";
};

TEST_F(SqliteStoreTest, RemembersOverARestart) {
  fill(3);
  const auto store = open().value();
  EXPECT_EQ(store->scan("key/").value().size(), 3U);
  ASSERT_TRUE(store->commit({.events = {StoredEvent{.subject = "s", .kind = "k"}}}));
  EXPECT_EQ(store->events({.after = 3}).value().at(0).sequence, 4U);
}

TEST_F(SqliteStoreTest, OnlyItsOwnerCanReadTheFile) {
  fill(1);
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_EQ(entry.status().permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
        << entry.path();
  }
}

TEST_F(SqliteStoreTest, KeepsTheNewestEventsAndCountsOn) {
  const auto store = open({.events_max = 10}).value();
  for (int i = 0; i < 25; ++i) {
    ASSERT_TRUE(store->commit({.events = {StoredEvent{.subject = "s", .kind = "k"}}}));
  }
  const auto kept = store->events({}).value();
  ASSERT_EQ(kept.size(), 10U);
  EXPECT_EQ(kept.front().sequence, 16U);
  EXPECT_EQ(kept.back().sequence, 25U);
}

TEST_F(SqliteStoreTest, KnowsTheNewestTimeForTheClock) {
  const auto store = open().value();
  EXPECT_EQ(store->newest_time().value(), time_at(0));
  ASSERT_TRUE(store->commit({.events = {StoredEvent{.at = time_at(9000)}}}));
  ASSERT_TRUE(store->commit({.events = {StoredEvent{.at = time_at(8000)}}}));
  EXPECT_EQ(store->newest_time().value(), time_at(9000));
}

TEST_F(SqliteStoreTest, AnEmptyFileIsDamage) {
  overwrite("");
  expect_damage_is_said_and_kept();
}

TEST_F(SqliteStoreTest, AFileOfSomethingElseIsDamage) {
  overwrite(std::string(8192, 'x'));
  expect_damage_is_said_and_kept();
}

TEST_F(SqliteStoreTest, ATruncatedFileIsDamage) {
  fill(100);
  overwrite(bytes().substr(0, bytes().size() / 2));
  expect_damage_is_said_and_kept();
}

TEST_F(SqliteStoreTest, AnotherProgramsDatabaseIsLeftAlone) {
  overwrite("");
  ASSERT_TRUE(
      Database::open(file_).value().execute("CREATE TABLE theirs(a); PRAGMA user_version=1"));
  expect_damage_is_said_and_kept();
}

TEST_F(SqliteStoreTest, AMissingFileBesideItsLogIsDamage) {
  std::ofstream(file_.string() + "-wal") << "log";
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("it is missing"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(SqliteStoreTest, ANewerFormatIsRefusedAndNotTouched) {
  fill(1);
  ASSERT_TRUE(Database::open(file_).value().execute("PRAGMA user_version = 2"));
  const auto before = bytes();
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kRefused);
  EXPECT_NE(opened.error().message.find("has format 2"), std::string::npos);
  EXPECT_EQ(bytes(), before);
}

TEST_F(SqliteStoreTest, AFlippedByteIsNeverBelieved) {
  fill(60);
  const auto sound = bytes();
  const auto expected = open().value()->scan("").value();
  const auto damage = [&](std::size_t at, unsigned bit) {
    auto flipped = sound;
    flipped[at] = static_cast<char>(flipped[at] ^ (1U << bit));
    overwrite(flipped);
    if (const auto opened = open()) {
      // Free space, or a field of the header that nothing depends on.
      EXPECT_EQ((*opened)->scan("").value(), expected) << "byte " << at;
      return;
    }
    EXPECT_EQ(bytes(), flipped) << "byte " << at << ": a refused file was changed";
  };
  Prng prng(7);
  for (int i = 0; i < 300; ++i) damage(prng.below(sound.size()), prng.below(8));
  for (std::size_t at = 0; at < 100; ++at) damage(at, at % 8);  // the header, every byte
}

TEST_F(SqliteStoreTest, AValueChangedBehindOurBackIsDamage) {
  fill(1);
  ASSERT_TRUE(Database::open(file_).value().execute("UPDATE state SET value = 'other'"));
  expect_damage_is_said_and_kept();
}

TEST_F(SqliteStoreTest, ReadersDoNotWaitForAWriter) {
  const auto store = open().value();
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) {
      EXPECT_TRUE(store->commit({.events = {StoredEvent{.subject = "s"}},
                                 .put = {{"a", std::to_string(i)}, {"b", std::to_string(i)}}}));
    }
    done = true;
  });
  while (!done) {
    const auto pairs = store->scan("").value();
    if (!pairs.empty()) {
      EXPECT_EQ(pairs.at("a"), pairs.at("b"));
    }
  }
  writer.join();
  EXPECT_EQ(store->events({.limit = 1, .newest_first = true}).value().at(0).sequence, 200U);
}

/// A file system of a megabyte.
class SmallDisk {
 public:
  SmallDisk() {
    mounted_ = ::mount("ecluse-test", folder_.path().c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  const std::filesystem::path& path() const { return folder_.path(); }
  void fill() {
    std::ofstream file(path() / "filler", std::ios::binary);
    const std::string block(4096, 'f');
    while (file.write(block.data(), static_cast<long>(block.size())).flush()) {
    }
  }
  void free() { std::filesystem::remove(path() / "filler"); }

 private:
  os::TempFolder folder_;
  bool mounted_ = false;
};

TEST(SqliteStoreOnAFullDisk, WritesNothingSaysSoAndContinuesWhenThereIsRoom) {
  SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount a tmpfs";
  const auto store = SqliteStore::open(disk.path() / "state.db").value();
  ASSERT_TRUE(store->commit({.put = {{"before", "1"}}}));
  disk.fill();

  std::uint64_t acknowledged = 0;
  Result<void> last;
  while ((last = store->commit({.events = {StoredEvent{.subject = "s"}},
                                .put = {{"big", std::string(20'000, 'x')}}}))) {
    ++acknowledged;
    ASSERT_LT(acknowledged, 1000U);
  }
  EXPECT_EQ(last.error().kind, ErrorKind::kExhausted);
  EXPECT_NE(last.error().message.find("disk is full"), std::string::npos);
  EXPECT_EQ(store->get("before").value(), "1");
  EXPECT_EQ(store->events({.limit = 2000}).value().size(), acknowledged);

  disk.free();
  ASSERT_TRUE(store->commit({.events = {StoredEvent{.subject = "s"}}}));
  EXPECT_EQ(store->events({.limit = 1, .newest_first = true}).value().at(0).sequence,
            acknowledged + 1);
}

TEST(SqliteStoreOnAFullDisk, CannotBeCreatedAndLeavesNoHalfFile) {
  SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount a tmpfs";
  disk.fill();
  const auto opened = SqliteStore::open(disk.path() / "state.db");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kExhausted) << opened.error().message;
  EXPECT_FALSE(std::filesystem::exists(disk.path() / "state.db"));
}

/// Commits 1, 2, 3... for ever; each number is written to `acknowledged` after its commit.
[[noreturn]] void commit_until_killed(const std::filesystem::path& file, std::uint64_t next,
                                      int acknowledged) {
  const auto store = SqliteStore::open(file).value();
  for (;; ++next) {
    const auto text = std::to_string(next);
    if (!store->commit(
            {.events = {StoredEvent{.subject = "s", .body = text}}, .put = {{"last", text}}})) {
      ::_exit(1);
    }
    if (::write(acknowledged, &next, sizeof next) != sizeof next) ::_exit(1);
  }
}

TEST_F(SqliteStoreTest, EveryAcknowledgedCommitSurvivesKill9) {
  Prng prng(11);
  std::uint64_t last = 0;
  for (int round = 0; round < 12; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) commit_until_killed(file_, last + 1, ends[1]);
    ::close(ends[1]);
    const auto until = last + 1 + prng.below(40);
    while (last < until && ::read(ends[0], &last, sizeof last) == sizeof last) {
    }
    ::kill(child, SIGKILL);
    while (::read(ends[0], &last, sizeof last) == sizeof last) {
    }
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";

    const auto store = open().value();
    const auto stored = std::stoull(store->get("last").value().value());
    // One more may be durable than the child lived to acknowledge.
    ASSERT_GE(stored, last);
    ASSERT_LE(stored, last + 1);
    const auto newest = store->events({.limit = 1, .newest_first = true}).value().at(0);
    ASSERT_EQ(newest.sequence, stored);
    ASSERT_EQ(newest.body, std::to_string(stored));
    last = stored;
  }
  EXPECT_GT(last, 12U);
}

}  // namespace
}  // namespace ecluse::storage
