#include "preflight/tree/walk.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "os/subprocess.h"
#include "os/temp_folder.h"

namespace ecluse::preflight {
namespace {

namespace fs = std::filesystem;

/// A folder of its own for each test.
class Walk : public testing::Test {
 protected:
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

  os::TempFolder own_;
  const fs::path root_ = own_.path();
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

TEST_F(Walk, SkipsAHundredMegabytesWithoutReadingThem) {
  write("dump.py", "");
  fs::resize_file(root_ / "dump.py", 100 << 20);
  write("shop.sqlite3", std::string("SQLite format 3\0", 16));
  fs::resize_file(root_ / "shop.sqlite3", 100 << 20);
  const auto repository = read();
  EXPECT_TRUE(has_obstacle(repository, "dump.py"));
  ASSERT_EQ(repository.databases.size(), 1U);
  EXPECT_EQ(repository.databases[0].bytes, std::uint64_t{100} << 20);
}

TEST_F(Walk, SaysWhatCannotBeReadAndReadsTheRest) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  write("secret.py", "import os\n");
  write("app.py", "import os\n");
  fs::permissions(root_ / "secret.py", fs::perms::none);
  const auto repository = read();
  EXPECT_TRUE(has_obstacle(repository, "secret.py"));
  EXPECT_EQ(repository.imports.size(), 1U);
}

TEST_F(Walk, ReadsDeepYamlAndTwoByteTextToAnObstacleOrToTheirFacts) {
  std::string deep = "services: ";
  for (int i = 0; i < 5'000; ++i) deep += "{a: ";
  write("compose.yml", deep);
  write("requirements.txt", std::string("\xFF\xFE"
                                        "f\0l\0a\0s\0k\0",
                                        12));
  write("app.py", std::string("\0\0\0binary", 9));
  const auto repository = read();
  EXPECT_TRUE(has_obstacle(repository, "compose.yml"));
  EXPECT_TRUE(has_obstacle(repository, "app.py"));
  EXPECT_NE(repository.find_dependency("flask"), nullptr);
}

TEST_F(Walk, GivesTheSameFactsInTheSameOrderEachTime) {
  constexpr int kFiles = 700;  // more than are read ahead
  for (int i = 0; i < kFiles; ++i) {
    const auto name = "part" + std::to_string(i % 7) + "/f" + std::to_string(i);
    write(name + ".py", "import os\nA" + std::to_string(i) + " = os.environ['A']\n");
    if (i % 50 == 0) write(name + ".sh", "echo " + std::to_string(i) + "\n");
  }
  const auto first = read();
  const auto second = read();
  ASSERT_EQ(first.code.size(), static_cast<std::size_t>(kFiles));
  ASSERT_EQ(second.code.size(), first.code.size());
  for (std::size_t i = 0; i < first.code.size(); ++i) {
    EXPECT_EQ(first.code[i].path, second.code[i].path);
    EXPECT_EQ(first.imports[i].path, second.imports[i].path);
    ASSERT_EQ(first.code[i].reads.size(), 1U) << first.code[i].path;
  }
  ASSERT_EQ(first.scripts.size(), second.scripts.size());
  for (std::size_t i = 0; i < first.scripts.size(); ++i)
    EXPECT_EQ(first.scripts[i].path, second.scripts[i].path);
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

TEST_F(Walk, SaysThatGitGaveNoAnswerAndTakesEverythingForCommitted) {
  write(".gitignore", "*.log\n");
  write("debug.log", "x");
  git({"init", "-q"});
  git({"add", ".gitignore"});
  const auto late = read_repository(root_, nullptr, std::chrono::milliseconds(0));
  ASSERT_TRUE(late) << late.error().message;
  EXPECT_TRUE(has_obstacle(*late, ".git"));
  EXPECT_NE(late->find("debug.log"), nullptr);

  EXPECT_FALSE(has_obstacle(read(), ".git"));
  write(".git/index", "no index");
  EXPECT_TRUE(has_obstacle(read(), ".git"));
}

TEST_F(Walk, SaysNothingOfGitWhereThereIsNoRepository) {
  write("app.py", "");
  const auto repository = read();
  EXPECT_FALSE(repository.git);
  EXPECT_TRUE(repository.obstacles.empty());
}

TEST_F(Walk, RefusesWhatIsNoFolder) {
  write("file", "");
  EXPECT_FALSE(read_repository(root_ / "file"));
  EXPECT_FALSE(read_repository(root_ / "nothing"));
}

}  // namespace
}  // namespace ecluse::preflight
