#include "control/journal.h"

#include <gtest/gtest.h>

#include "sim/twins/by_hand.h"
#include "sim/twins/memory_store.h"

namespace ecluse::control {
namespace {

using namespace std::chrono_literals;

class JournalTest : public testing::Test {
 protected:
  static ports::Batch batch_of(const std::string& key, const std::string& value) {
    ports::Batch batch;
    batch.put[key] = value;
    batch.events.push_back({.subject = "shop/prod", .kind = "change", .body = value});
    return batch;
  }
  void fill_disk() { store_.set_fault(Error{ErrorKind::kExhausted, "no space", ""}); }
  void free_disk() { store_.set_fault(std::nullopt); }
  void write_all() {
    while (!journal_.idle()) {
      clock_.pass(10s);
      journal_.tick(clock_.now());
      executor_.once();
    }
  }
  std::size_t events_of(const std::string& kind) {
    return store_.events({.kind_prefix = kind, .limit = 100'000})->size();
  }

  sim::MemoryStore store_;
  sim::HandClock clock_;
  sim::HandExecutor executor_;
  Journal journal_{store_, clock_, executor_};
};

TEST_F(JournalTest, WhatWaitsRunsInOrderAndOnlyOnceItIsDurable) {
  std::vector<int> done;
  for (int i = 0; i < 3; ++i) {
    journal_.append(batch_of("key", std::to_string(i)), {[&done, i] { done.push_back(i); }});
  }
  EXPECT_TRUE(done.empty());
  write_all();
  EXPECT_EQ(done, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(store_.get("key").value(), "2");
}

TEST_F(JournalTest, AFullDiskIsTriedAgainLaterAndSaysWhy) {
  fill_disk();
  bool is_done = false;
  journal_.append(batch_of("key", "1"), {[&] { is_done = true; }});
  executor_.once();
  ASSERT_TRUE(journal_.trouble().has_value());
  EXPECT_EQ(journal_.trouble()->message, "no space");
  ASSERT_TRUE(journal_.deadline().has_value());
  EXPECT_GT(*journal_.deadline(), clock_.now());
  EXPECT_TRUE(executor_.waiting.empty()) << "it does not try without a pause";
  free_disk();
  write_all();
  EXPECT_TRUE(is_done);
  EXPECT_FALSE(journal_.trouble().has_value());
}

TEST_F(JournalTest, ADiskThatStaysFullCostsBoundedMemoryAndTheAuditLogSaysWhatItLacks) {
  fill_disk();
  const std::size_t appended = Journal::kEntriesMax + Journal::kFoldedEventsMax + 500;
  std::size_t done = 0;
  for (std::size_t i = 0; i < appended; ++i) {
    journal_.append(batch_of("key", std::to_string(i)), {[&] { ++done; }});
    if (i % 100 == 0) executor_.once();
  }
  free_disk();
  write_all();
  EXPECT_EQ(done, appended) << "whoever waited is told";
  EXPECT_EQ(store_.get("key").value(), std::to_string(appended - 1)) << "states lose nothing";
  const std::size_t kept = events_of("change");
  EXPECT_EQ(kept, Journal::kEntriesMax - 1 + Journal::kFoldedEventsMax);
  const auto gaps = store_.events({.kind_prefix = "audit.gap"}).value();
  ASSERT_EQ(gaps.size(), 1U);
  EXPECT_NE(gaps[0].body.find("\"" + std::to_string(appended - kept) + "\""), std::string::npos)
      << gaps[0].body;
}

}  // namespace
}  // namespace ecluse::control
