#include "secrets/secret_store.h"

#include <gtest/gtest.h>

#include <fstream>

#include "os/file.h"
#include "os/temp_folder.h"
#include "secrets/key_file.h"

namespace ecluse::secrets {
namespace {

namespace fs = std::filesystem;
using model::EnvironmentKey;

class FixedClock : public ports::Clock {
 public:
  TimePoint now() override { return time_at(1); }
  WallTime wall() override { return WallTime{1234}; }
};

const EnvironmentKey kProd{"lettings", "prod"};
const EnvironmentKey kPreprod{"lettings", "preprod"};

class SecretStoreTest : public testing::Test {
 protected:
  Result<std::unique_ptr<SecretStore>> try_open() {
    return SecretStore::open({places_.folder, places_.key_file, places_.credentials}, clock_);
  }
  std::unique_ptr<SecretStore> open() { return try_open().value(); }
  fs::path file() const { return places_.folder / "lettings" / "prod.secrets"; }
  static void write(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }

  os::TempFolder folder_;
  SecretStorePlaces places_{folder_.path() / "secrets", folder_.path() / "key", {}};
  FixedClock clock_;
};

TEST_F(SecretStoreTest, GivesBackWhatWasSetAlsoAfterARestart) {
  EXPECT_EQ(open()->set(kProd, "SECRET_KEY", "välue\n2", "ada").value(), 1U);
  EXPECT_EQ(open()->get(kProd, "SECRET_KEY", std::nullopt).value(), "välue\n2");
}

TEST_F(SecretStoreTest, KeepsEnvironmentsApart) {
  const auto store = open();
  ASSERT_TRUE(store->set(kProd, "A", "prod value", "ada"));
  ASSERT_TRUE(store->set(kPreprod, "A", "preprod value", "ada"));
  EXPECT_EQ(store->get(kProd, "A", std::nullopt).value(), "prod value");
  EXPECT_EQ(store->get(kPreprod, "A", std::nullopt).value(), "preprod value");
}

TEST_F(SecretStoreTest, CountsVersionsAndKeepsTheOldOnes) {
  const auto store = open();
  EXPECT_EQ(store->set(kProd, "A", "one1", "ada").value(), 1U);
  EXPECT_EQ(store->set(kProd, "A", "two2", "bob").value(), 2U);
  EXPECT_EQ(store->get(kProd, "A", 1).value(), "one1");
  EXPECT_EQ(store->get(kProd, "A", std::nullopt).value(), "two2");
  const auto missing = store->get(kProd, "A", 3);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message,
            "version 3 of secret A is not kept for lettings/prod; versions 1 to 2 are");
}

TEST_F(SecretStoreTest, SettingTheSameValueAgainChangesNothing) {
  const auto store = open();
  ASSERT_TRUE(store->set(kProd, "A", "same", "ada"));
  EXPECT_EQ(store->set(kProd, "A", "same", "bob").value(), 1U);
  EXPECT_EQ(store->list(kProd).value().at(0).changed_by, "ada");
}

TEST_F(SecretStoreTest, ListsNamesNeverValues) {
  const auto store = open();
  ASSERT_TRUE(store->set(kProd, "B", "bbbb", "bob"));
  ASSERT_TRUE(store->set(kProd, "A", "aaaa", "ada"));
  const auto listed = store->list(kProd).value();
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0].name, "A");
  EXPECT_EQ(listed[0].version, 1U);
  EXPECT_EQ(listed[0].changed_at, WallTime{1234});
  EXPECT_EQ(listed[1].changed_by, "bob");
  EXPECT_TRUE(store->list(kPreprod).value().empty());
}

TEST_F(SecretStoreTest, ARemovedSecretStaysForTheReleasesThatPinIt) {
  const auto store = open();
  ASSERT_TRUE(store->set(kProd, "A", "one1", "ada"));
  ASSERT_TRUE(store->remove(kProd, "A", "ada"));
  EXPECT_TRUE(store->list(kProd).value().empty());
  EXPECT_EQ(store->get(kProd, "A", std::nullopt).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(store->get(kProd, "A", 1).value(), "one1");
  EXPECT_EQ(store->remove(kProd, "A", "ada").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(store->set(kProd, "A", "one1", "ada").value(), 2U);
}

TEST_F(SecretStoreTest, AMissingOneNamesTheNearestAndHowToSetIt) {
  const auto store = open();
  ASSERT_TRUE(store->set(kProd, "SECRET_KEY", "value", "ada"));
  const auto missing = store->get(kProd, "SECRET_KYE", std::nullopt);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(missing.error().message, "secret SECRET_KYE is not set for lettings/prod");
  EXPECT_EQ(missing.error().hint,
            "did you mean SECRET_KEY? set it with `ecluse secret set SECRET_KYE`");
}

TEST_F(SecretStoreTest, RefusesWhatNoEnvironmentCanHold) {
  const auto store = open();
  for (const auto* name : {"", "lower", "1A", "A-B", "A B", "A\n", "É"}) {
    EXPECT_EQ(store->set(kProd, name, "value", "ada").error().kind, ErrorKind::kInvalid) << name;
  }
  const std::string with_zero("a\0b", 3);
  for (const auto& value :
       {std::string(), with_zero, std::string("\xff\xfe"), std::string(64 * 1024 + 1, 'x')}) {
    EXPECT_EQ(store->set(kProd, "A", value, "ada").error().kind, ErrorKind::kInvalid);
  }
  EXPECT_EQ(store->set({"../up", "prod"}, "A", "value", "ada").error().kind, ErrorKind::kInvalid);
  EXPECT_TRUE(store->list(kProd).value().empty());
}

TEST_F(SecretStoreTest, KeepsTheNewestHundredVersionsAndThosePinned) {
  const auto store = open();
  for (int i = 1; i <= 101; ++i) {
    ASSERT_TRUE(store->set(kProd, "A", "value " + std::to_string(i), "ada"));
  }
  ASSERT_TRUE(store->prune(kProd, "A", {1}));
  EXPECT_EQ(open()->get(kProd, "A", 1).value(), "value 1");
  ASSERT_TRUE(store->prune(kProd, "A", {}));
  EXPECT_FALSE(store->get(kProd, "A", 1));
  EXPECT_FALSE(open()->get(kProd, "A", 1));
  EXPECT_EQ(open()->get(kProd, "A", 2).value(), "value 2");
}

TEST_F(SecretStoreTest, NothingOnDiskShowsAValueOrAName) {
  const std::string value = "a very visible value";
  ASSERT_TRUE(open()->set(kProd, "VISIBLE_NAME", value, "ada"));
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
    if (!entry.is_regular_file()) continue;
    ++files;
    const auto bytes = os::read_file(entry.path(), 1 << 20).value();
    EXPECT_EQ(bytes.find("visible"), std::string::npos) << entry.path();
    EXPECT_EQ(bytes.find("VISIBLE"), std::string::npos) << entry.path();
    EXPECT_EQ(entry.status().permissions(), fs::perms::owner_read | fs::perms::owner_write)
        << entry.path();
  }
  EXPECT_EQ(files, 2);
}

TEST_F(SecretStoreTest, AMissingKeyIsSaidAndNoneIsMade) {
  ASSERT_TRUE(open()->set(kProd, "A", "value", "ada"));
  fs::remove(places_.key_file);
  const auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kNotFound);
  EXPECT_NE(opened.error().message.find(places_.key_file.string() + " is missing"),
            std::string::npos);
  EXPECT_FALSE(fs::exists(places_.key_file));
}

TEST_F(SecretStoreTest, AnotherKeyIsNotMistakenForDamage) {
  ASSERT_TRUE(open()->set(kProd, "A", "value", "ada"));
  write(places_.key_file, SecretKey::random().hex());
  const auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kRefused);
  EXPECT_NE(opened.error().message.find("encrypted with another key"), std::string::npos);
}

TEST_F(SecretStoreTest, AKeyThatOthersMayReadIsRefused) {
  open();
  fs::permissions(places_.key_file, fs::perms::group_read, fs::perm_options::add);
  const auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kRefused);
  EXPECT_NE(opened.error().hint.find("chmod 600"), std::string::npos);
}

TEST_F(SecretStoreTest, AKeyThatIsNoneIsInvalid) {
  write(places_.key_file, "short");
  fs::permissions(places_.key_file, fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(try_open().error().kind, ErrorKind::kInvalid);
}

TEST_F(SecretStoreTest, EveryFlippedByteIsNoticedAndNothingOverwritten) {
  ASSERT_TRUE(open()->set(kProd, "A", "value", "ada"));
  const auto sound = os::read_file(file(), 1 << 20).value();
  for (std::size_t at = 0; at < sound.size(); ++at) {
    auto flipped = sound;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    write(file(), flipped);
    const auto opened = try_open();
    ASSERT_FALSE(opened) << at;
    EXPECT_NE(opened.error().message.find(file().string()), std::string::npos);
    EXPECT_EQ(os::read_file(file(), 1 << 20).value(), flipped);
  }
}

TEST_F(SecretStoreTest, AFileOfAnotherEnvironmentDoesNotOpen) {
  ASSERT_TRUE(open()->set(kProd, "A", "value", "ada"));
  fs::rename(file(), places_.folder / "lettings" / "preprod.secrets");
  EXPECT_EQ(try_open().error().kind, ErrorKind::kInternal);
}

TEST_F(SecretStoreTest, TakesTheKeyFromTheInitSystem) {
  places_.credentials = folder_.path() / "credentials";
  fs::create_directory(places_.credentials);
  write(places_.credentials / "ecluse-key", SecretKey::random().hex());
  fs::permissions(places_.credentials / "ecluse-key", fs::perms::owner_read);
  ASSERT_TRUE(open()->set(kProd, "A", "value", "ada"));
  EXPECT_FALSE(fs::exists(places_.key_file));
  EXPECT_EQ(open()->get(kProd, "A", std::nullopt).value(), "value");
}

TEST_F(SecretStoreTest, RedactsOldNewRemovedAndRegisteredValues) {
  auto store = open();
  ASSERT_TRUE(store->set(kProd, "A", "old value", "ada"));
  ASSERT_TRUE(store->set(kProd, "A", "new value", "ada"));
  ASSERT_TRUE(store->set(kPreprod, "B", "other value", "ada"));
  ASSERT_TRUE(store->remove(kPreprod, "B", "ada"));
  store->register_value("DB", "generated");
  EXPECT_EQ(store->redact("old value, new value, other value, generated"),
            "[redacted A], [redacted A], [redacted B], [redacted DB]");
  store = open();
  EXPECT_EQ(store->redact("old value, generated"), "[redacted A], generated");
}

TEST_F(SecretStoreTest, AValueThatCannotBeStoredIsNotSet) {
  const auto store = open();
  write(places_.folder, "a file where the folder should be");
  ASSERT_FALSE(store->set(kProd, "A", "value", "ada"));
  EXPECT_TRUE(store->list(kProd).value().empty());
  EXPECT_EQ(store->redact("value"), "value");
}

}  // namespace
}  // namespace ecluse::secrets
