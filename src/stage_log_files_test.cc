#include "stage_log_files.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

namespace ecluse {
namespace {

constexpr Duration kAtOnce{};

class StageLogFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/ecl-logs-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

TEST_F(StageLogFilesTest, AreReadOnFromAnOffset) {
  StageLogFiles logs(folder_);
  logs.append("lettings/prod@12", "build", "one");
  const auto first = logs.read("lettings/prod@12", "build", 0, kAtOnce);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->text, "one\n");
  logs.append("lettings/prod@12", "build", "two");
  EXPECT_EQ(logs.read("lettings/prod@12", "build", first->next_offset, kAtOnce)->text, "two\n");
}

TEST_F(StageLogFilesTest, FollowingWaitsForTheNextLine) {
  StageLogFiles logs(folder_);
  logs.append("lettings/prod@12", "build", "one");
  std::jthread writer([&] { logs.append("lettings/prod@12", "build", "two"); });
  EXPECT_EQ(logs.read("lettings/prod@12", "build", 4, std::chrono::seconds(60))->text, "two\n");
  EXPECT_EQ(logs.read("lettings/prod@12", "build", 8, Duration(1))->text, "");
}

TEST_F(StageLogFilesTest, NoStageNameLeavesTheFolderOrMeetsAnother) {
  StageLogFiles logs(folder_);
  logs.append("lettings/prod@1", "../../../etc/x", "a");
  logs.append("lettings/prod@1", "check a b", "b");
  logs.append("lettings/prod@1", "check a/b", "c");
  EXPECT_EQ(logs.read("lettings/prod@1", "../../../etc/x", 0, kAtOnce)->text, "a\n");
  EXPECT_EQ(logs.read("lettings/prod@1", "check a b", 0, kAtOnce)->text, "b\n");
  for (const auto* const bad :
       {"../x@1", "lettings/prod@../1", "lettings/prod", "lettings/prod@"}) {
    logs.append(bad, "build", "never");
    EXPECT_FALSE(logs.read(bad, "build", 0, kAtOnce)) << bad;
  }
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
    files += entry.is_regular_file() ? 1 : 0;
  }
  EXPECT_EQ(files, 3u);
}

TEST_F(StageLogFilesTest, AFullLogSaysSoOnceAndStaysBounded) {
  StageLogFiles logs(folder_, {.file_bytes_max = 100});
  for (int i = 0; i < 1000; ++i) logs.append("a/b@1", "build", "0123456789");
  const auto text = logs.read("a/b@1", "build", 0, kAtOnce)->text;
  EXPECT_LT(text.size(), 200u);
  EXPECT_TRUE(text.ends_with("[the rest is dropped: the log is full]\n")) << text;
}

TEST_F(StageLogFilesTest, OnlyTheNewestRolloutsAreKept) {
  StageLogFiles logs(folder_, {.rollouts_kept_max = 2});
  for (const auto* const id : {"a/b@8", "a/b@9", "a/b@10", "a/c@1"}) logs.append(id, "build", "x");
  EXPECT_FALSE(logs.read("a/b@8", "build", 0, kAtOnce));
  EXPECT_TRUE(logs.read("a/b@9", "build", 0, kAtOnce));
  EXPECT_TRUE(logs.read("a/b@10", "build", 0, kAtOnce));
  EXPECT_TRUE(logs.read("a/c@1", "build", 0, kAtOnce));
}

}  // namespace
}  // namespace ecluse
