#pragma once
// What every ports::Backups must do, the adapter and the twin alike. Test-only: include it in a
// *_test.cc and
//     INSTANTIATE_TEST_SUITE_P(Postgres, BackupsConformance, testing::Values(factory));

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "ports/backups.h"

namespace ecluse::ports {

/// An environment "lettings/prod" whose database runs and has something in it.
class BackupsWorld {
 public:
  virtual ~BackupsWorld() = default;
  virtual Backups& backups() = 0;
  /// As a restart of the control plane: the same backups, read anew.
  virtual void reopen() = 0;
  /// The database stops answering.
  virtual void database_goes_away() = 0;
};
using BackupsFactory = std::function<std::unique_ptr<BackupsWorld>()>;

class BackupsConformance : public testing::TestWithParam<BackupsFactory> {
 protected:
  static inline const model::EnvironmentKey kKey{"lettings", "prod"};

  static BackupRequest request(model::ReleaseNumber release) {
    return {.key = kKey,
            .release = release,
            .services = {{.name = "db", .kind = model::ServiceKind::kPostgres}},
            .volumes = {}};
  }
  BackupSet proven(model::ReleaseNumber release) {
    auto set = world_->backups().prove(request(release));
    EXPECT_TRUE(set) << (set ? "" : set.error().message);
    return set.value_or(BackupSet());
  }
  std::vector<model::ReleaseNumber> listed() {
    std::vector<model::ReleaseNumber> numbers;
    const auto sets = world_->backups().list(kKey);
    EXPECT_TRUE(sets);
    for (const auto& set : sets.value_or(std::vector<BackupSet>())) numbers.push_back(set.release);
    return numbers;
  }

  std::unique_ptr<BackupsWorld> world_ = GetParam()();
};

TEST_P(BackupsConformance, ProvesAndSaysWhatItIs) {
  const auto set = proven(7);
  EXPECT_EQ(set.release, 7U);
  EXPECT_GT(set.bytes, 0U);
  EXPECT_NE(set.words.find("db: "), std::string::npos) << set.words;
  EXPECT_NE(set.words.find("restored in "), std::string::npos) << set.words;
  EXPECT_EQ(listed(), (std::vector<model::ReleaseNumber>{7}));
}

TEST_P(BackupsConformance, TheSameReleaseIsTheSameSetAlsoInAnotherLife) {
  const auto set = proven(7);
  EXPECT_EQ(proven(7), set);
  world_->reopen();
  EXPECT_EQ(proven(7), set);
  EXPECT_EQ(listed().size(), 1U);
}

TEST_P(BackupsConformance, KeepsTheNewestFew) {
  for (model::ReleaseNumber release = 1; release <= kBackupSetsKept + 2; ++release) proven(release);
  const auto kept = listed();
  ASSERT_EQ(kept.size(), kBackupSetsKept);
  EXPECT_EQ(kept.front(), kBackupSetsKept + 2);
  EXPECT_EQ(kept.back(), 3U);
}

TEST_P(BackupsConformance, OfADatabaseThatIsAwayThereIsNone) {
  world_->database_goes_away();
  const auto set = world_->backups().prove(request(7));
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().kind, ErrorKind::kUnavailable) << set.error().message;
  EXPECT_TRUE(listed().empty());
}

TEST_P(BackupsConformance, RefusesWhereThereIsNothingItCanBackUp) {
  auto bare = request(7);
  bare.services = {{.name = "cache", .kind = model::ServiceKind::kRedis}};
  const auto set = world_->backups().prove(bare);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().kind, ErrorKind::kRefused);
  EXPECT_TRUE(listed().empty());
}

TEST_P(BackupsConformance, SaysWhatIsNotInIt) {
  auto more = request(7);
  more.services.push_back({.name = "cache", .kind = model::ServiceKind::kRedis});
  more.volumes = {"media"};
  const auto set = world_->backups().prove(more);
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_NE(set->words.find("not in it: cache, volume media"), std::string::npos) << set->words;
}

TEST_P(BackupsConformance, AnEnvironmentWithoutAnyHasAnEmptyList) {
  const auto sets = world_->backups().list({"nobody", "prod"});
  ASSERT_TRUE(sets) << sets.error().message;
  EXPECT_TRUE(sets->empty());
}

}  // namespace ecluse::ports
