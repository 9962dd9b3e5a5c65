#include "preflight/tree/walk.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "os/subprocess.h"

namespace ecluse::preflight {
namespace {

namespace fs = std::filesystem;

/// A folder of its own for each test.
class Walk : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "ecluse-walk-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path, std::ios::binary) << text;
  }

  void git(std::vector<std::string> words) {
    words.insert(words.begin(), {"git", "-C", root_.string(), "-c", "user.name=walk", "-c",
                                 "user.email=walk@example.invalid"});
    const auto done = os::output_of({.argv = words});
    ASSERT_TRUE(done) << done.error().message;
  }

  Repository read() {
    auto repository = read_repository(root_);
    if (!repository) ADD_FAILURE() << repository.error().message;
    return repository ? std::move(*repository) : Repository{};
  }

  fs::path root_;
};

bool has_obstacle(const Repository& repository, std::string_view path) {
  for (const auto& each : repository.obstacles)
    if (each.path == path) return true;
  return false;
}

TEST_F(Walk, EndsOnLinksThatGoInCircles) {
  write("a/b.py", "import os\n");
  fs::create_directory_symlink(root_, root_ / "a/up");
  fs::create_symlink("loop", root_ / "loop");
  const auto repository = read();
  EXPECT_EQ(repository.files.size(), 1U);
}

TEST_F(Walk, DoesNotWaitForAPipeAndSaysSo) {
  ASSERT_EQ(mkfifo((root_ / "settings.py").c_str(), 0600), 0);
  EXPECT_TRUE(has_obstacle(read(), "settings.py"));
}

TEST_F(Walk, SaysWhatIsTooLargeOrTooDeep) {
  write("big.py", std::string(kFileBytesRead + 1, '#'));
  std::string deep;
  for (int i = 0; i <= kFolderDepthMax; ++i) deep += "d/";
  write(deep + "x.py", "");
  const auto repository = read();
  EXPECT_TRUE(has_obstacle(repository, "big.py"));
  EXPECT_GE(repository.obstacles.size(), 2U);
}

TEST_F(Walk, FindsATableFarBehindTheBeginningOfADatabase) {
  write("shop.sqlite3", std::string("SQLite format 3\0", 16) + std::string(200'000, '\0') +
                            "CREATE TABLE \"auth_user\" (id)");
  const auto repository = read();
  ASSERT_EQ(repository.databases.size(), 1U);
  EXPECT_EQ(repository.databases[0].tables, std::vector<std::string>{"auth_user"});
}

TEST_F(Walk, KnowsWhatIsCommittedAndWhatIsIgnored) {
  write(".gitignore", "*.log\nbuild/\n");
  write("app.py", "");
  write("kept/old.log", "x");
  write("build/out.py", "");
  write("venv/pyvenv.cfg", "");
  write("venv/lib/x.py", "");
  git({"init", "-q"});
  git({"add", ".gitignore", "app.py"});
  git({"add", "-f", "kept/old.log", "venv/lib/x.py"});
  write("debug.log", "x");
  const auto repository = read();
  EXPECT_TRUE(repository.git);
  EXPECT_NE(repository.find("kept/old.log"), nullptr);  // it is committed, whatever .gitignore says
  EXPECT_EQ(repository.find("debug.log"), nullptr);
  EXPECT_EQ(repository.find("build/out.py"), nullptr);
  ASSERT_EQ(repository.vendored.size(), 1U);
  EXPECT_EQ(repository.vendored[0].files, 1U);
}

TEST_F(Walk, RefusesWhatIsNoFolder) {
  write("file", "");
  EXPECT_FALSE(read_repository(root_ / "file"));
  EXPECT_FALSE(read_repository(root_ / "nothing"));
}

}  // namespace
}  // namespace ecluse::preflight
