#include "os/inside.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "os/file.h"
#include "os/temp_folder.h"

namespace ecluse::os {
namespace {

namespace fs = std::filesystem;

class InsideTest : public testing::Test {
 protected:
  InsideTest() {
    fs::create_directories(root() / "a/b");
    std::ofstream(root() / "a/b/file") << "old";
    std::ofstream(folder_.path() / "outside") << "theirs";
  }
  fs::path root() const { return folder_.path() / "root"; }
  std::string text(const fs::path& path) const { return read_file(path, 1000).value_or("?"); }
  TempFolder folder_;
};

TEST_F(InsideTest, ReplacesWholeAndKeepsTheMode) {
  ASSERT_EQ(::chmod((root() / "a/b/file").c_str(), 0750), 0);
  ASSERT_TRUE(replace_inside(root(), "a/b/file", "old", "new"));
  EXPECT_EQ(text(root() / "a/b/file"), "new");
  struct stat state{};
  ASSERT_EQ(::stat((root() / "a/b/file").c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 07777, 0750u);
  EXPECT_EQ(std::distance(fs::directory_iterator(root() / "a/b"), {}), 1) << "nothing is left";
}

TEST_F(InsideTest, MakesWhatIsNewAndOverwritesNothing) {
  ASSERT_TRUE(replace_inside(root(), "a/fresh", std::nullopt, "new"));
  EXPECT_EQ(text(root() / "a/fresh"), "new");
  EXPECT_EQ(replace_inside(root(), "a/b/file", std::nullopt, "new").error().kind,
            ErrorKind::kConflict);
  EXPECT_EQ(replace_inside(root(), "a/b/file", "other", "new").error().kind, ErrorKind::kConflict);
  EXPECT_EQ(text(root() / "a/b/file"), "old");
}

TEST_F(InsideTest, NeverLeavesTheTree) {
  fs::create_symlink(folder_.path(), root() / "up");
  fs::create_symlink(folder_.path() / "outside", root() / "link");
  for (const char* path :
       {"up/outside", "link", "../outside", "a/../../outside", "", "a//b/file"}) {
    EXPECT_EQ(replace_inside(root(), path, "theirs", "ours").error().kind, ErrorKind::kRefused)
        << path;
    EXPECT_EQ(read_inside(root(), path, 100).error().kind, ErrorKind::kRefused) << path;
  }
  EXPECT_FALSE(rename_inside(root(), "a/b/file", "../moved"));
  EXPECT_EQ(text(folder_.path() / "outside"), "theirs");
  EXPECT_EQ(text(root() / "a/b/file"), "old");
}

TEST_F(InsideTest, RenamesOverNothing) {
  std::ofstream(root() / "taken") << "there";
  EXPECT_EQ(rename_inside(root(), "a/b/file", "taken").error().kind, ErrorKind::kConflict);
  ASSERT_TRUE(rename_inside(root(), "a/b/file", "a/b/other"));
  EXPECT_EQ(text(root() / "a/b/other"), "old");
}

TEST_F(InsideTest, ReadsRegularFilesAlone) {
  ASSERT_EQ(::mkfifo((root() / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_inside(root(), "fifo", 100).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(read_inside(root(), "none", 100).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(read_inside(root(), "a/b/file", 2).error().kind, ErrorKind::kExhausted);
}

}  // namespace
}  // namespace ecluse::os
