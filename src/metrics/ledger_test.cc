#include "metrics/ledger.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace ecluse::metrics {

namespace {
const model::EnvironmentKey kProd{"lettings", "prod"};

/// What is counted, and the ledger that tells of it.
struct Told {
  void answer(model::ReleaseNumber release, std::uint32_t bucket) {
    ports::ReleaseMeasures& measures = now.releases[{kProd, release}];
    measures.environment = kProd;
    measures.release = release;
    measures.counters.requests += 1;
    measures.latencies[bucket] += 1;
    measures.latency_sum_us += bucket;
  }
  ports::MeasureBatch read(const ports::MeasureCursor& cursor = {}) {
    return ledger.read(cursor, now);
  }
  Traffic now;
  int epochs = 0;
  Ledger ledger{[this] { return "epoch " + std::to_string(++epochs); }};
};
}  // namespace

TEST(Ledger, TellsOnlyBucketsThatChanged) {
  Told told;
  told.answer(7, 100);
  told.answer(7, 200);
  const auto first = told.read();
  told.answer(7, 200);
  told.answer(7, 300);
  const auto second = told.read(first.next);
  ASSERT_EQ(second.releases.size(), 1U);
  EXPECT_EQ(second.releases[0].latencies,
            (std::map<std::uint32_t, std::uint64_t>{{200, 2}, {300, 1}}));
}

TEST(Ledger, WhatIsInFlightMayFallWithoutAnotherEpoch) {
  Told told;
  told.answer(7, 100);
  told.now.releases[{kProd, 7}].counters.in_flight = 4;
  const auto first = told.read();
  told.now.releases[{kProd, 7}].counters.in_flight = 0;
  const auto second = told.read(first.next);
  EXPECT_EQ(second.next.epoch, first.next.epoch);
  ASSERT_EQ(second.releases.size(), 1U);
  EXPECT_EQ(second.releases[0].counters.in_flight, 0U);
  EXPECT_TRUE(second.releases[0].latencies.empty());
}

TEST(Ledger, ACountThatFellOrAReleaseThatVanishedBeginsAnotherEpoch) {
  Told told;
  told.answer(6, 100);
  told.answer(7, 100);
  told.answer(7, 100);
  auto before = told.read();
  told.now.releases[{kProd, 7}].latencies[100] = 1;
  auto after = told.read(before.next);
  EXPECT_TRUE(after.is_whole);
  EXPECT_NE(after.next.epoch, before.next.epoch);
  EXPECT_EQ(after.releases.size(), 2U);
  told.now.releases.erase({kProd, 6});
  before = after;
  after = told.read(before.next);
  EXPECT_TRUE(after.is_whole);
  EXPECT_EQ(after.releases.size(), 1U);
}

TEST(Ledger, AVersionThatWasNeverGivenIsNoCursorOfOurs) {
  Told told;
  told.answer(7, 100);
  const auto first = told.read();
  EXPECT_TRUE(told.read({first.next.epoch, first.next.version + 1}).is_whole);
}

/// Whoever loses answers, hears them twice, or asks from an older place, ends with the truth.
TEST(Ledger, EveryReaderComesToKnowWhatIs) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Prng prng(seed);
    Told told;
    Traffic known;
    ports::MeasureCursor cursor;
    for (int i = 0; i < 60; ++i) {
      const auto deed = prng.next() % 10;
      const auto release = static_cast<model::ReleaseNumber>(1 + prng.next() % 3);
      if (deed < 5) told.answer(release, static_cast<std::uint32_t>(prng.next() % 8));
      if (deed == 5) told.now.bound_hits["head_ms_max"] += 1;
      if (deed == 6 && prng.next() % 4 == 0) told.now = {};  // the gateway's memory is lost
      const auto batch = told.read(cursor);
      if (deed == 7) continue;  // the answer is lost
      known.hear(batch);
      if (deed == 8) known.hear(batch);
      if (deed == 9) continue;  // the reader forgets where it stood
      cursor = batch.next;
    }
    known.hear(told.read(cursor));
    EXPECT_EQ(known.releases, told.now.releases) << "seed " << seed;
    EXPECT_EQ(known.bound_hits, told.now.bound_hits) << "seed " << seed;
  }
}

}  // namespace ecluse::metrics
