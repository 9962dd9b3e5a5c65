#include "transfer/sqlite_file.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include "os/file.h"
#include "os/temp_folder.h"
#include "transfer/still_copy.h"

namespace ecluse::transfer {
namespace {

namespace fs = std::filesystem;

class SqliteFileTest : public testing::Test {
 protected:
  ~SqliteFileTest() override { sqlite3_close(handle_); }

  /// The source stays open, as that of an app which runs.
  void make(const std::string& sql) {
    ASSERT_EQ(sqlite3_open(path().c_str(), &handle_), SQLITE_OK);
    run(sql);
  }
  void run(const std::string& sql) {
    ASSERT_EQ(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(handle_);
  }
  fs::path path() const { return folder_.path() / "app.db"; }
  fs::path desk() {
    fs::create_directories(folder_.path() / "desk");
    return folder_.path() / "desk";
  }
  Result<SqliteFile> copied() {
    ECLUSE_ASSIGN(const auto copy, still_copy(path(), desk(), std::nullopt));
    return SqliteFile::open(copy);
  }
  /// Name, size, time and bytes of everything beside the source.
  std::vector<std::string> beside() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      if (!entry.is_regular_file()) continue;
      struct stat state{};
      EXPECT_EQ(::stat(entry.path().c_str(), &state), 0);
      out.push_back(entry.path().filename().string() + std::to_string(state.st_mtim.tv_sec) + "." +
                    std::to_string(state.st_mtim.tv_nsec) +
                    os::read_file(entry.path(), 1 << 24).value());
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  os::TempFolder folder_;
  sqlite3* handle_ = nullptr;
};

TEST_F(SqliteFileTest, TellsItsTablesColumnsAndRows) {
  make(
      "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);"
      "INSERT INTO a VALUES (7, 'x'), (9, 'y'); DELETE FROM a WHERE id = 9;"
      "CREATE TABLE b (k TEXT PRIMARY KEY) WITHOUT ROWID; CREATE VIEW v AS SELECT 1;"
      "CREATE VIRTUAL TABLE words USING fts5(word); INSERT INTO words VALUES ('hello')");
  auto file = copied();
  ASSERT_TRUE(file) << file.error().message;
  const auto tables = file->tables();
  ASSERT_TRUE(tables) << tables.error().message;
  ASSERT_EQ(tables->size(), 2u);
  EXPECT_EQ((*tables)[0].name, "a");
  EXPECT_EQ((*tables)[0].rows, 1u);
  EXPECT_EQ((*tables)[0].high_water, 9);
  EXPECT_TRUE((*tables)[0].columns[0].key);
  EXPECT_FALSE((*tables)[1].has_rowid);
}

TEST_F(SqliteFileTest, ReadsWhatIsOnlyInTheLogAndTouchesNothing) {
  make("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE a (x)");
  run("INSERT INTO a VALUES (41), (42)");
  const auto before = beside();
  ASSERT_EQ(before.size(), 3u);  // with -wal and -shm
  auto file = copied();
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->texts("SELECT x FROM a ORDER BY x").value(),
            (std::vector<std::string>{"41", "42"}));
  EXPECT_EQ(beside(), before);
}

TEST_F(SqliteFileTest, RollsAnInterruptedTransactionBackInItsOwnCopy) {
  make(
      "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; CREATE TABLE a (x);"
      "INSERT INTO a VALUES ('kept')");
  run("BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
      "INSERT INTO a SELECT printf('%0500d', i) FROM n");  // spilled: half of it is in the file
  const auto before = beside();
  ASSERT_EQ(before.size(), 2u);  // with -journal
  auto file = copied();
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->texts("SELECT x FROM a").value(), std::vector<std::string>{"kept"});
  EXPECT_EQ(beside(), before);
}

TEST_F(SqliteFileTest, KeepsEveryKindOfValue) {
  make(
      "CREATE TABLE a (id INTEGER PRIMARY KEY, x);"
      "INSERT INTO a VALUES (1, NULL), (2, 9223372036854775807), (3, 1.5),"
      "(4, CAST(x'6100C3A9' AS TEXT)), (5, x'00FF')");
  auto file = copied();
  ASSERT_TRUE(file) << file.error().message;
  const auto tables = file->tables().value();
  std::vector<SourceValue> values;
  std::vector<std::string> keys;
  const std::vector<std::size_t> columns{1};
  ASSERT_TRUE(file->scan(tables[0], columns, [&](const SourceRow& row) -> Result<void> {
    values.push_back(row.values[0]);
    keys.push_back(row.key);
    return {};
  }));
  using namespace std::string_literals;
  EXPECT_EQ(values, (std::vector<SourceValue>{std::monostate{}, std::int64_t{9223372036854775807},
                                              1.5, "a\0é"s, Blob{"\0\xff"s}}));
  EXPECT_EQ(keys[3], "id=4");
}

TEST_F(SqliteFileTest, ChecksOfTheSchemaNeedNotBeKnownHere) {
  make("CREATE TABLE a (x TEXT CHECK (json_valid(x)))");
  run("INSERT INTO a VALUES ('{}')");
  run("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = "
      "'CREATE TABLE a (x TEXT CHECK (json_valid(x) AND django_regexp(x)))' WHERE name = 'a'");
  auto file = copied();
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->texts("SELECT x FROM a").value(), std::vector<std::string>{"{}"});
}

TEST_F(SqliteFileTest, NamesRowsThatReferToNothing) {
  make(
      "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p_id REFERENCES p (id));"
      "INSERT INTO c VALUES (5)");
  auto file = copied();
  ASSERT_TRUE(file) << file.error().message;
  const auto orphans = file->orphans(10);
  ASSERT_TRUE(orphans) << orphans.error().message;
  ASSERT_EQ(orphans->size(), 1u);
  EXPECT_EQ((*orphans)[0].table, "c");
  EXPECT_EQ((*orphans)[0].key, "rowid=1");
  EXPECT_EQ((*orphans)[0].column, "p_id");
}

TEST_F(SqliteFileTest, WhatIsNoDatabaseIsSaidSo) {
  std::ofstream(path()) << std::string(5000, 'x');
  EXPECT_EQ(copied().error().kind, ErrorKind::kInvalid);
}

TEST_F(SqliteFileTest, OnlyOnesOwnRegularFilesAreRead) {
  make("CREATE TABLE a (x)");
  EXPECT_EQ(still_copy(path(), desk(), getuid() + 1).error().kind, ErrorKind::kRefused);
  EXPECT_TRUE(still_copy(path(), desk(), getuid()));
  EXPECT_EQ(still_copy(folder_.path() / "none", desk(), std::nullopt).error().kind,
            ErrorKind::kNotFound);
  fs::create_symlink(path(), folder_.path() / "link");
  EXPECT_FALSE(still_copy(folder_.path() / "link", desk(), std::nullopt));
  ASSERT_EQ(mkfifo((folder_.path() / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(still_copy(folder_.path() / "fifo", desk(), std::nullopt).error().kind,
            ErrorKind::kInvalid);
}

TEST_F(SqliteFileTest, AFileThatIsBeingWrittenIsNotCopiedUntilItsWriterEnds) {
  make("PRAGMA synchronous = OFF; CREATE TABLE a (x)");
  std::atomic<bool> ended = false;
  std::atomic<int> rows = 0;
  std::thread writer([&] {
    while (!ended) {
      if (sqlite3_exec(handle_, "INSERT INTO a VALUES (1)", nullptr, nullptr, nullptr) == SQLITE_OK)
        ++rows;
    }
  });
  // On a machine that lets the writer wait for long, a copy between two writes is right, too.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  auto refused = still_copy(path(), desk(), std::nullopt, std::chrono::milliseconds(300));
  while (refused && std::chrono::steady_clock::now() < deadline)
    refused = still_copy(path(), desk(), std::nullopt, std::chrono::milliseconds(300));
  ended = true;
  writer.join();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
  EXPECT_NE(refused.error().message.find("is being written"), std::string::npos);
  EXPECT_GT(rows, 0);

  const auto before = beside();
  const auto copy = still_copy(path(), desk(), std::nullopt);
  ASSERT_TRUE(copy);
  EXPECT_EQ(beside(), before) << "the source was touched";
  auto file = SqliteFile::open(*copy);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->count_values("a", "x").value(), static_cast<std::uint64_t>(rows));
}

}  // namespace
}  // namespace ecluse::transfer
