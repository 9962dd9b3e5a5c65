#include "os/file.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace ecluse::os {
namespace {

class File : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "ecluse-file-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

TEST_F(File, IsReplacedWholeAndLeavesNoSibling) {
  ASSERT_TRUE(replace_file(folder_ / "state", "old"));
  ASSERT_TRUE(replace_file(folder_ / "state", "new", 0600));
  EXPECT_EQ(read_file(folder_ / "state", 100).value(), "new");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(File, ThatCannotBeWrittenKeepsItsOldBytes) {
  ASSERT_TRUE(replace_file(folder_ / "state", "old"));
  const auto replaced = replace_file(folder_ / "missing" / "state", "new");
  ASSERT_FALSE(replaced);
  EXPECT_EQ(replaced.error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(read_file(folder_ / "state", 100).value(), "old");
}

TEST_F(File, ThatCannotBeReplacedLeavesNoSibling) {
  std::filesystem::create_directories(folder_ / "state" / "full");
  EXPECT_FALSE(replace_file(folder_ / "state", "new"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(File, ThatIsALinkToItselfIsNotThere) {
  std::filesystem::create_symlink("loop", folder_ / "loop");
  EXPECT_FALSE(is_there(folder_ / "loop"));
  EXPECT_FALSE(is_folder(folder_ / "loop"));
  EXPECT_FALSE(is_plain_file(folder_ / "loop"));
}

TEST_F(File, LargerThanItsBoundIsNotRead) {
  ASSERT_TRUE(replace_file(folder_ / "big", std::string(1000, 'x')));
  const auto bytes = read_file(folder_ / "big", 999);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().kind, ErrorKind::kExhausted);
}

TEST_F(File, LockedOnceIsRefusedTheSecondTimeUntilReleased) {
  auto first = lock_file(folder_ / "lock");
  ASSERT_TRUE(first);
  const auto second = lock_file(folder_ / "lock");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
  first->reset();
  EXPECT_TRUE(lock_file(folder_ / "lock"));
}

}  // namespace
}  // namespace ecluse::os
