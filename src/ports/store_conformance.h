#pragma once
// What every ports::Store must do, adapter and twin alike. Test-only: include it in a *_test.cc and
//     INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance, testing::Values(factory));

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "ports/store.h"

namespace ecluse::ports {

/// Makes an empty store; what it needs (a folder) it owns itself.
using StoreFactory = std::function<std::unique_ptr<Store>()>;

class StoreConformance : public testing::TestWithParam<StoreFactory> {
 protected:
  static StoredEvent event(const std::string& subject, const std::string& kind) {
    return {.at = time_at(1000),
            .wall = WallTime{2000},
            .subject = subject,
            .kind = kind,
            .actor = "ada",
            .body = R"({"n":1})"};
  }
  void put(const std::string& key, const std::string& value) {
    ASSERT_TRUE(store_->commit({.put = {{key, value}}}));
  }
  void append(const std::string& subject, const std::string& kind) {
    ASSERT_TRUE(store_->commit({.events = {event(subject, kind)}}));
  }
  std::vector<std::uint64_t> sequences(const EventQuery& query) {
    const auto found = store_->events(query);
    EXPECT_TRUE(found);
    std::vector<std::uint64_t> result;
    for (const auto& one : found.value()) result.push_back(one.sequence);
    return result;
  }
  std::unique_ptr<Store> store_ = GetParam()();
};

TEST_P(StoreConformance, StartsEmpty) {
  EXPECT_EQ(store_->get("any").value(), std::nullopt);
  EXPECT_TRUE(store_->scan("").value().empty());
  EXPECT_TRUE(store_->events({}).value().empty());
}

TEST_P(StoreConformance, GivesBackWhatWasPut) {
  put("rollout/lettings/prod", R"({"phase":"baking"})");
  EXPECT_EQ(store_->get("rollout/lettings/prod").value(), R"({"phase":"baking"})");
}

TEST_P(StoreConformance, PuttingAgainReplaces) {
  put("k", "1");
  put("k", "2");
  EXPECT_EQ(store_->get("k").value(), "2");
}

TEST_P(StoreConformance, KeepsAnEmptyValueApartFromNone) {
  put("k", "");
  EXPECT_EQ(store_->get("k").value(), "");
}

TEST_P(StoreConformance, KeepsBytesOfAnyKind) {
  const std::string odd("quote' \" null \0 high \xc3\xa9 line\n", 30);
  put(odd, odd);
  EXPECT_EQ(store_->get(odd).value(), odd);
}

TEST_P(StoreConformance, ErasesAndErasingTheUnknownSucceeds) {
  put("k", "1");
  ASSERT_TRUE(store_->commit({.erase = {"k", "never there"}}));
  EXPECT_EQ(store_->get("k").value(), std::nullopt);
}

TEST_P(StoreConformance, APutWinsOverAnEraseOfTheSameBatch) {
  put("k", "1");
  ASSERT_TRUE(store_->commit({.put = {{"k", "2"}}, .erase = {"k"}}));
  EXPECT_EQ(store_->get("k").value(), "2");
}

TEST_P(StoreConformance, ScansByPrefixInOrderOfKey) {
  ASSERT_TRUE(store_->commit({.put = {{"a/2", "2"}, {"a/1", "1"}, {"a", "0"}, {"b/1", "3"}}}));
  const std::map<std::string, std::string> expected = {{"a/1", "1"}, {"a/2", "2"}};
  EXPECT_EQ(store_->scan("a/").value(), expected);
}

TEST_P(StoreConformance, PrefixIsTextAndNotAPattern) {
  ASSERT_TRUE(store_->commit({.put = {{"a%b", "1"}, {"axb", "2"}}}));
  EXPECT_EQ(store_->scan("a%").value().size(), 1U);
  append("a%b", "kind");
  append("axb", "kind");
  EXPECT_EQ(sequences({.subject_prefix = "a%"}), (std::vector<std::uint64_t>{1}));
}

TEST_P(StoreConformance, NumbersEventsFromOneWithoutGaps) {
  ASSERT_TRUE(store_->commit({.events = {event("s", "a"), event("s", "b")}}));
  append("s", "c");
  EXPECT_EQ(sequences({}), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_P(StoreConformance, IgnoresTheSequenceACallerSets) {
  auto forged = event("s", "a");
  forged.sequence = 77;
  ASSERT_TRUE(store_->commit({.events = {forged}}));
  EXPECT_EQ(sequences({}), (std::vector<std::uint64_t>{1}));
}

TEST_P(StoreConformance, GivesBackEveryFieldOfAnEvent) {
  append("lettings/prod", "rollout.started");
  const auto found = store_->events({}).value().at(0);
  EXPECT_EQ(found.at, time_at(1000));
  EXPECT_EQ(found.wall, WallTime{2000});
  EXPECT_EQ(found.subject, "lettings/prod");
  EXPECT_EQ(found.kind, "rollout.started");
  EXPECT_EQ(found.actor, "ada");
  EXPECT_EQ(found.body, R"({"n":1})");
}

TEST_P(StoreConformance, FiltersEventsBySubjectAndKind) {
  append("lettings/prod", "rollout.started");
  append("lettings/preprod", "rollout.started");
  append("lettings/prod", "probe.ready");
  EXPECT_EQ(sequences({.subject_prefix = "lettings/prod", .kind_prefix = "rollout."}),
            (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(sequences({.kind_prefix = "rollout."}), (std::vector<std::uint64_t>{1, 2}));
}

TEST_P(StoreConformance, ContinuesAfterASequence) {
  for (int i = 0; i < 5; ++i) append("s", "k");
  EXPECT_EQ(sequences({.after = 3}), (std::vector<std::uint64_t>{4, 5}));
  EXPECT_EQ(sequences({.after = 5}), (std::vector<std::uint64_t>{}));
}

TEST_P(StoreConformance, LimitsFromTheEndThatWasAskedFor) {
  for (int i = 0; i < 5; ++i) append("s", "k");
  EXPECT_EQ(sequences({.limit = 2}), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(sequences({.limit = 2, .newest_first = true}), (std::vector<std::uint64_t>{5, 4}));
  EXPECT_EQ(sequences({.limit = 0}), (std::vector<std::uint64_t>{}));
}

TEST_P(StoreConformance, AnEmptyBatchChangesNothing) {
  ASSERT_TRUE(store_->commit({}));
  EXPECT_TRUE(store_->events({}).value().empty());
}

}  // namespace ecluse::ports
