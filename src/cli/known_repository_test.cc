#include "cli/known_repository.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "os/temp_folder.h"

namespace ecluse::cli {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kNobody = 65534;

class Known : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(folder_ / "repository");
    std::ofstream(folder_ / "repository" / "a.py") << "import os\nos.environ['TOKEN']\n";
  }

  void read(const std::map<std::string, std::string>& environment, bool afresh = false) {
    const Session session{.terminal = {.in = in_, .out = out_, .err = err_},
                          .folder = folder_,
                          .environment = environment,
                          .connect = {},
                          .roles = {}};
    const auto repository = read_known(session, folder_ / "repository", afresh);
    ASSERT_TRUE(repository) << repository.error().message;
    ASSERT_EQ(repository->code.size(), 1U);
    EXPECT_EQ(repository->code.front().reads.size(), 1U);
  }

  static std::size_t kept_in(const fs::path& folder) {
    std::size_t files = 0;
    if (fs::exists(folder))
      for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder)) ++files;
    return files;
  }

  os::TempFolder own_;
  const fs::path folder_ = own_.path();
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(Known, IsKeptInTheCacheFolderOfThePerson) {
  read({{"XDG_CACHE_HOME", folder_ / "cache"}, {"HOME", folder_ / "home"}});
  EXPECT_EQ(kept_in(folder_ / "cache/ecluse/check"), 1U);
  EXPECT_FALSE(fs::exists(folder_ / "home"));
}

TEST_F(Known, IsKeptInTheHomeFolderWhereNoOtherIsNamed) {
  read({{"HOME", folder_ / "home"}});
  EXPECT_EQ(kept_in(folder_ / "home/.cache/ecluse/check"), 1U);
}

TEST_F(Known, IsKeptNowhereWhenItIsReadAfresh) {
  read({{"HOME", folder_ / "home"}}, true);
  EXPECT_FALSE(fs::exists(folder_ / "home"));
}

TEST_F(Known, IsKeptNowhereBelowAFolderOfSomebodyElse) {
  fs::create_directory(folder_ / "home");
  if (chown((folder_ / "home").c_str(), kNobody, kNobody) != 0) GTEST_SKIP() << "needs root";
  read({{"HOME", folder_ / "home"}});
  EXPECT_TRUE(fs::is_empty(folder_ / "home"));
}

TEST_F(Known, IsKeptNowhereInAFolderThatAnybodyMayWriteTo) {
  fs::create_directory(folder_ / "tmp");
  fs::permissions(folder_ / "tmp", fs::perms::all | fs::perms::sticky_bit);
  read({{"XDG_CACHE_HOME", folder_ / "tmp"}});
  EXPECT_TRUE(fs::is_empty(folder_ / "tmp"));
}

TEST_F(Known, IsReadAllTheSameWhereItCannotBeKept) {
  fs::create_directories(folder_ / "home/.cache/ecluse");
  std::ofstream(folder_ / "home/.cache/ecluse/check") << "a file where the folder should be";
  read({{"HOME", folder_ / "home"}});
  EXPECT_NE(err_.str().find("could not be kept"), std::string::npos) << err_.str();
}

}  // namespace
}  // namespace ecluse::cli
