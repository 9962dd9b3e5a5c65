// The rings alone: bounds, overwriting, thinning, and what remains after a death.
#include "gateway/outcome_ring.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

#include "base/prng.h"
#include "gateway/shared_memory.h"

namespace ecluse::gateway {

namespace {
using ports::Outcome;
using ports::OutcomeBatch;
using State = Outcome::State;

class OutcomeRingTest : public testing::Test {
 protected:
  OutcomeRingTest() {
    auto trial = memory_.outcomes().begin("lettings/prod", 7, {});
    EXPECT_TRUE(trial);
    ring_ = &memory_.outcomes().ring(*trial);
  }
  static SharedMemory make_memory() {
    auto fd = SharedMemory::create();
    return std::move(*SharedMemory::map(std::move(*fd)));
  }
  Outcome arrive(std::uint64_t now_ms = 1, std::uint64_t draw = 0) {
    Outcome outcome{.release = 7, .weight_ppm = 100'000, .arrived_ms = now_ms};
    if (!ring_->arrive(outcome, draw)) outcome.arrival = 0;
    return outcome;
  }
  void settle(Outcome outcome, State state) {
    outcome.state = state;
    ring_->settle(outcome);
  }
  OutcomeBatch read(OutcomeRing::Position& position) {
    OutcomeBatch batch;
    ring_->read(position, batch);
    return batch;
  }
  SharedMemory memory_ = make_memory();
  OutcomeRing* ring_ = nullptr;
};
}  // namespace

TEST_F(OutcomeRingTest, ABatchIsBoundedAndNothingIsLostByIt) {
  constexpr std::size_t kCount = 20'000;
  for (std::size_t i = 0; i < kCount; ++i) settle(arrive(), State::kOk);
  std::set<std::uint64_t> arrivals;
  auto position = ring_->oldest();
  for (;;) {
    const OutcomeBatch batch = read(position);
    EXPECT_LE(batch.outcomes.size(), ports::kMaxBatch);
    EXPECT_EQ(batch.lost, 0U);
    if (batch.outcomes.empty()) break;
    for (const Outcome& outcome : batch.outcomes) {
      arrivals.insert(outcome.arrival);
      EXPECT_EQ(outcome.state, State::kOk);  // both came as one record
    }
  }
  EXPECT_EQ(arrivals.size(), kCount);
}

TEST_F(OutcomeRingTest, WhatWasOverwrittenIsCounted) {
  for (std::uint64_t i = 0; i < OutcomeRing::kCells + 10; ++i) settle(arrive(), State::kOk);
  auto position = ring_->oldest();
  const OutcomeBatch batch = read(position);
  EXPECT_EQ(batch.lost, 20U);  // ten arrivals and ten settlements
  ASSERT_FALSE(batch.outcomes.empty());
  EXPECT_EQ(batch.outcomes.front().arrival, 11U);
}

TEST_F(OutcomeRingTest, APositionSurvivesItsPackedForm) {
  for (int i = 0; i < 100; ++i) settle(arrive(), State::kOk);
  auto position = ring_->oldest();
  (void)read(position);
  (void)arrive();
  const auto unpacked = ring_->unpack(ring_->pack(position));
  EXPECT_EQ(unpacked.arrivals, 100U);
  EXPECT_EQ(unpacked.settlements, 100U);
}

TEST_F(OutcomeRingTest, ASettlementIsNotShownBeforeItsArrival) {
  for (std::size_t i = 0; i < OutcomeRing::kFullBatch; ++i) (void)arrive();
  settle(arrive(), State::kError);
  auto position = ring_->oldest();
  const OutcomeBatch first = read(position);
  EXPECT_EQ(first.outcomes.size(), OutcomeRing::kFullBatch);
  const OutcomeBatch second = read(position);
  ASSERT_EQ(second.outcomes.size(), 1U);
  EXPECT_EQ(second.outcomes[0].state, State::kError);
}

TEST_F(OutcomeRingTest, BelowItsRateAllAreRecordedAndAboveItAFairSample) {
  constexpr std::uint64_t kPerMs = OutcomeRing::kRecordsPerSecondMax / 1000;
  Prng prng(1);
  std::uint64_t now_ms = 1;
  const auto recorded_in_a_second = [&](std::uint64_t per_ms) {
    std::uint64_t recorded = 0;
    for (const std::uint64_t end = now_ms + 1000; now_ms < end; ++now_ms) {
      for (std::uint64_t i = 0; i < per_ms; ++i) {
        if (arrive(now_ms, prng.next()).arrival != 0) ++recorded;
      }
    }
    return recorded;
  };
  EXPECT_EQ(recorded_in_a_second(kPerMs / 2), kPerMs / 2 * 1000);
  (void)recorded_in_a_second(kPerMs * 16);  // finds its rate
  const std::uint64_t recorded = recorded_in_a_second(kPerMs * 16);
  EXPECT_LE(recorded, OutcomeRing::kRecordsPerSecondMax * 11 / 10);
  EXPECT_GE(recorded, OutcomeRing::kRecordsPerSecondMax * 4 / 10);
  EXPECT_GT(ring_->thinned(), 0U);
  (void)recorded_in_a_second(1);
  (void)recorded_in_a_second(1);
  EXPECT_EQ(recorded_in_a_second(1), 1000U);
}

TEST_F(OutcomeRingTest, WhatWasPendingAtADeathIsSettledOnce) {
  settle(arrive(5), State::kError);
  const Outcome pending = arrive(10);
  ring_->settle_orphans(25);
  ring_->settle_orphans(30);
  auto position = ring_->oldest();
  const OutcomeBatch batch = read(position);
  ASSERT_EQ(batch.outcomes.size(), 2U);
  EXPECT_EQ(batch.outcomes[0].state, State::kError);
  EXPECT_EQ(batch.outcomes[1].arrival, pending.arrival);
  EXPECT_EQ(batch.outcomes[1].state, State::kLeft);
  EXPECT_EQ(batch.outcomes[1].latency_ms, 15U);
}

TEST_F(OutcomeRingTest, ManyWritersAndAReaderLoseNothing) {
  constexpr int kThreads = 4;
  constexpr std::uint64_t kEach = 4000;  // all together fit into the ring
  std::vector<std::thread> writers;
  for (int t = 0; t < kThreads; ++t) {
    writers.emplace_back([this] {
      for (std::uint64_t i = 0; i < kEach; ++i) settle(arrive(i, 0), State::kOk);
    });
  }
  std::uint64_t last = 0;
  std::size_t settled = 0;
  auto position = ring_->oldest();
  while (settled < kThreads * kEach) {
    const OutcomeBatch batch = read(position);
    ASSERT_EQ(batch.lost, 0U);
    for (const Outcome& outcome : batch.outcomes) {
      if (outcome.arrival > last) {
        ASSERT_EQ(outcome.arrival, last + 1);
        last = outcome.arrival;
      }
      if (outcome.state == State::kOk) ++settled;
    }
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(settled, kThreads * kEach);
}

TEST(OutcomeRings, ARingIsTakenOverOnlyFromASiteThatIsNotOnTrial) {
  auto fd = SharedMemory::create();
  SharedMemory memory = std::move(*SharedMemory::map(std::move(*fd)));
  OutcomeRings& rings = memory.outcomes();
  std::set<std::string> on_trial;
  for (std::size_t i = 0; i < OutcomeRings::kTrialsMax; ++i) {
    on_trial.insert("site/" + std::to_string(i));
    ASSERT_TRUE(rings.begin("site/" + std::to_string(i), 1, on_trial));
  }
  const auto refused = rings.begin("one/more", 1, on_trial);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kExhausted);
  on_trial.erase("site/3");
  const auto taken = rings.begin("one/more", 1, on_trial);
  ASSERT_TRUE(taken);
  EXPECT_EQ(rings.find("site/3"), std::nullopt);
  EXPECT_EQ(rings.find("one/more"), *taken);
  EXPECT_EQ(*rings.begin("one/more", 1, on_trial), *taken);
}

}  // namespace ecluse::gateway
