#include "preflight/tree/fact_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "os/temp_folder.h"
#include "preflight/facts/prepared_bytes.h"
#include "preflight/tree/walk.h"

namespace ecluse::preflight {
namespace {

namespace fs = std::filesystem;

constexpr auto kSource = "import os\nTOKEN = os.environ['TOKEN']\n";

std::string name_of_repository(std::size_t n) {
  return "/srv/shop" + std::to_string(n);
}

class Store : public testing::Test {
 protected:
  FactStore open(const std::string& program = "build 1", std::size_t repository = 0) const {
    return {root_ / "facts", name_of_repository(repository), program};
  }

  void keep_and_save(FactStore store, std::vector<std::string> paths) const {
    for (const auto& path : paths) store.keep(FactStore::key_of(path, kSource), "of " + path);
    const auto saved = store.save();
    ASSERT_TRUE(saved) << saved.error().message;
  }

  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    if (fs::exists(root_ / "facts"))
      for (const auto& entry : fs::directory_iterator(root_ / "facts")) found.push_back(entry);
    return found;
  }

  os::TempFolder own_;
  const fs::path root_ = own_.path();
};

bool knows(const FactStore& store, const std::string& path) {
  return store.find(FactStore::key_of(path, kSource)) == "of " + path;
}

unsigned mode_of(const fs::path& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
}

TEST_F(Store, KnowsWhatAnEarlierOneKept) {
  keep_and_save(open(), {"a.py", "b.py"});
  EXPECT_TRUE(knows(open(), "a.py"));
  EXPECT_TRUE(knows(open(), "b.py"));
}

TEST_F(Store, DoesNotKnowOtherBytesOrAnotherPath) {
  keep_and_save(open(), {"a.py"});
  EXPECT_FALSE(open().find(FactStore::key_of("a.py", "import sys\n")));
  EXPECT_FALSE(open().find(FactStore::key_of("b.py", kSource)));
}

TEST_F(Store, DoesNotKnowWhatAnotherBuildKept) {
  keep_and_save(open("build 1"), {"a.py"});
  EXPECT_FALSE(knows(open("build 2"), "a.py"));
}

TEST_F(Store, DoesNotKnowWhatAnotherRepositoryHolds) {
  keep_and_save(open("build 1", 1), {"a.py"});
  EXPECT_FALSE(knows(open("build 1", 2), "a.py"));
}

TEST_F(Store, ForgetsWhatIsNotThereAnyMore) {
  keep_and_save(open(), {"a.py", "b.py"});
  auto second = open();
  second.keep(FactStore::key_of("b.py", kSource));
  second.keep(FactStore::key_of("c.py", kSource), "of c.py");
  ASSERT_TRUE(second.save());
  EXPECT_FALSE(knows(open(), "a.py"));
  EXPECT_TRUE(knows(open(), "b.py"));
  EXPECT_TRUE(knows(open(), "c.py"));
}

TEST_F(Store, OfADamagedFileKnowsNothing) {
  keep_and_save(open(), {"a.py"});
  ASSERT_EQ(files().size(), 1U);
  const auto file = files().front();
  std::ifstream in(file, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    std::ofstream(file, std::ios::binary) << damaged;
    EXPECT_FALSE(knows(open(), "a.py")) << "byte " << at;
    std::ofstream(file, std::ios::binary) << whole.substr(0, at);
    EXPECT_FALSE(knows(open(), "a.py")) << "cut at " << at;
  }
}

TEST_F(Store, IsForItsOwnerAlone) {
  keep_and_save(open(), {"a.py"});
  EXPECT_EQ(mode_of(root_ / "facts"), 0700U);
  EXPECT_EQ(mode_of(files().at(0)), 0600U);
}

TEST_F(Store, ThatHasNoNewsWritesNothing) {
  keep_and_save(open(), {});
  EXPECT_TRUE(files().empty());
}

TEST_F(Store, SaysThatItCouldNotBeSaved) {
  std::ofstream(root_ / "facts") << "a file where the folder should be";
  auto store = open();
  store.keep(FactStore::key_of("a.py", kSource), "facts");
  EXPECT_FALSE(store.save());
}

TEST_F(Store, ForgetsTheRepositoriesThatWereReadLongestAgoAndNothingElse) {
  const auto long_ago = fs::file_time_type::clock::now() - std::chrono::hours(1);
  fs::create_directories(root_ / "facts");
  std::ofstream(root_ / "facts" / "notes.facts") << "a person's";
  for (std::size_t i = 0; i <= FactStore::kRepositoriesMax; ++i) {
    keep_and_save(open("build 1", i), {"a.py"});
    if (i == 0)
      for (const auto& file : files()) fs::last_write_time(file, long_ago);
  }
  EXPECT_FALSE(knows(open("build 1", 0), "a.py"));
  EXPECT_TRUE(knows(open("build 1", 1), "a.py"));
  EXPECT_EQ(files().size(), FactStore::kRepositoriesMax + 1);
  EXPECT_TRUE(fs::exists(root_ / "facts" / "notes.facts"));
}

TEST_F(Store, ForgetsWhatASaveThatWasKilledLeft) {
  keep_and_save(open(), {"a.py"});
  const fs::path left = files().at(0).string() + ".new.4711";
  std::ofstream(left) << "half of it";
  fs::last_write_time(left, fs::file_time_type::clock::now() - std::chrono::hours(1));
  for (std::size_t i = 1; i <= FactStore::kRepositoriesMax; ++i)
    keep_and_save(open("build 1", i), {"a.py"});
  EXPECT_FALSE(fs::exists(left));
}

/// A repository on disk that is read by way of a store.
class KnownRepository : public Store {
 protected:
  void SetUp() override {
    fs::create_directory(root_ / "repository");
    std::ofstream(root_ / "repository" / "a.py") << kSource;
  }

  Repository read(FactStore& store) const {
    auto made = read_repository(root_ / "repository", &store);
    if (!made) ADD_FAILURE() << made.error().message;
    return made ? std::move(*made) : Repository{};
  }
};

TEST_F(KnownRepository, IsWhatReadingItAgainWouldFind) {
  auto first = open();
  const auto before = read(first);
  ASSERT_TRUE(first.save());
  auto second = open();
  const auto after = read(second);
  ASSERT_EQ(after.code.size(), 1U);
  EXPECT_EQ(after.code.front().reads.at(0).name, "TOKEN");
  EXPECT_EQ(after.imports.size(), before.imports.size());
}

TEST_F(KnownRepository, IsNotReadAgain) {
  Prepared other;
  other.imports = {
      {.module = "only_the_store_says_so", .names = {}, .guarded = false, .place = {}}};
  auto first = open();
  first.keep(FactStore::key_of("a.py", kSource), to_bytes(other));
  ASSERT_TRUE(first.save());
  auto second = open();
  EXPECT_EQ(read(second).imports.at(0).imports.at(0).module, "only_the_store_says_so");
}

TEST_F(KnownRepository, IsReadAgainWhereItChanged) {
  auto first = open();
  read(first);
  ASSERT_TRUE(first.save());
  std::ofstream(root_ / "repository" / "a.py") << "import os\nKEY = os.environ['KEY']\n";
  auto second = open();
  EXPECT_EQ(read(second).code.at(0).reads.at(0).name, "KEY");
}

TEST_F(KnownRepository, IsReadAgainWhereTheStoreHoldsWhatCannotBeRead) {
  auto first = open();
  first.keep(FactStore::key_of("a.py", kSource), "no facts");
  ASSERT_TRUE(first.save());
  auto second = open();
  EXPECT_EQ(read(second).code.at(0).reads.at(0).name, "TOKEN");
}

}  // namespace
}  // namespace ecluse::preflight
