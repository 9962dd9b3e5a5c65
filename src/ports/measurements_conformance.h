#pragma once
// What every ports::Measurements must do, the gateway's client and the twin alike. Test-only:
// include it in a *_test.cc and
//     INSTANTIATE_TEST_SUITE_P(Gateway, MeasurementsConformance, testing::Values(factory));

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <numeric>

#include "ports/measurements.h"

namespace ecluse::ports {

/// A site "lettings/prod" with the releases 6 and 7, and people who visit it.
class MeasurementsWorld {
 public:
  virtual ~MeasurementsWorld() = default;
  virtual Measurements& measurements() = 0;
  /// One request to `release` that is answered, and measured when this returns.
  virtual void visit(model::ReleaseNumber release) = 0;
  /// One whose head is larger than the bound `head_bytes_max`.
  virtual void exceed_a_bound() = 0;
  /// Everything that was counted is lost.
  virtual void forget_everything() = 0;
};
using MeasurementsFactory = std::function<std::unique_ptr<MeasurementsWorld>()>;

class MeasurementsConformance : public testing::TestWithParam<MeasurementsFactory> {
 protected:
  MeasureBatch read(const MeasureCursor& cursor = {}) {
    auto batch = world_->measurements().read(cursor);
    EXPECT_TRUE(batch) << (batch ? "" : batch.error().message);
    return batch.value_or(MeasureBatch());
  }
  static std::uint64_t measured(const ReleaseMeasures& release) {
    return std::accumulate(release.latencies.begin(), release.latencies.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const auto& entry) { return sum + entry.second; });
  }

  std::unique_ptr<MeasurementsWorld> world_ = GetParam()();
};

TEST_P(MeasurementsConformance, WhoKnowsNothingHearsAll) {
  world_->visit(6);
  world_->visit(7);
  world_->visit(7);
  const MeasureBatch batch = read();
  EXPECT_TRUE(batch.is_whole);
  ASSERT_EQ(batch.releases.size(), 2U);
  for (const ReleaseMeasures& release : batch.releases) {
    EXPECT_EQ(to_string(release.environment), "lettings/prod");
    EXPECT_EQ(release.counters.requests, release.release == 7 ? 2U : 1U);
    EXPECT_EQ(measured(release), release.counters.requests);
    EXPECT_GT(release.latency_sum_us, 0U);
  }
}

TEST_P(MeasurementsConformance, AReleaseWithoutARequestIsNotToldOf) {
  world_->visit(7);
  const MeasureBatch batch = read();
  ASSERT_EQ(batch.releases.size(), 1U);
  EXPECT_EQ(batch.releases[0].release, 7U);
}

TEST_P(MeasurementsConformance, OnlyWhatChangedIsToldAgainAndInWholeNumbers) {
  for (int i = 0; i < 3; ++i) world_->visit(6);
  world_->visit(7);
  const MeasureCursor known = read().next;
  world_->visit(6);
  const MeasureBatch batch = read(known);
  EXPECT_FALSE(batch.is_whole);
  EXPECT_EQ(batch.next.epoch, known.epoch);
  ASSERT_EQ(batch.releases.size(), 1U);
  EXPECT_EQ(batch.releases[0].release, 6U);
  EXPECT_EQ(batch.releases[0].counters.requests, 4U);
  EXPECT_FALSE(batch.releases[0].latencies.empty());
}

TEST_P(MeasurementsConformance, WhereNothingChangesNothingIsTold) {
  world_->visit(7);
  const MeasureBatch first = read();
  const MeasureBatch second = read(first.next);
  EXPECT_FALSE(second.is_whole);
  EXPECT_TRUE(second.releases.empty());
  EXPECT_TRUE(second.bound_hits.empty());
}

TEST_P(MeasurementsConformance, AnAnswerThatWasLostIsToldAgain) {
  const MeasureCursor start = read().next;
  world_->visit(7);
  const MeasureBatch lost = read(start);
  const MeasureBatch again = read(start);
  EXPECT_EQ(lost.releases, again.releases);
  EXPECT_EQ(again.releases.size(), 1U);
}

TEST_P(MeasurementsConformance, TwoReadersHearTheSame) {
  const MeasureCursor start = read().next;
  world_->visit(7);
  (void)read(start);
  world_->visit(7);
  const MeasureBatch late = read(start);
  ASSERT_EQ(late.releases.size(), 1U);
  EXPECT_EQ(late.releases[0].counters.requests, 2U);
  EXPECT_EQ(measured(late.releases[0]), 2U);
}

TEST_P(MeasurementsConformance, HitsOfABoundAreTold) {
  world_->visit(7);
  const MeasureCursor known = read().next;
  world_->exceed_a_bound();
  EXPECT_EQ(read(known).bound_hits, (std::map<std::string, std::uint64_t>{{"head_bytes_max", 1}}));
}

TEST_P(MeasurementsConformance, WhatBeginsAnewIsAnotherEpochAndSaysSo) {
  world_->visit(7);
  world_->visit(7);
  const MeasureCursor old = read().next;
  world_->forget_everything();
  world_->visit(7);
  const MeasureBatch batch = read(old);
  EXPECT_TRUE(batch.is_whole);
  EXPECT_NE(batch.next.epoch, old.epoch);
  ASSERT_EQ(batch.releases.size(), 1U);
  EXPECT_EQ(batch.releases[0].counters.requests, 1U);
}

TEST_P(MeasurementsConformance, ACursorOfNoEpochThatWasHearsAll) {
  world_->visit(7);
  const MeasureBatch batch = read({"nonsense", 1'000'000});
  EXPECT_TRUE(batch.is_whole);
  EXPECT_EQ(batch.releases.size(), 1U);
}

}  // namespace ecluse::ports
