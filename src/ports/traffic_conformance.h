#pragma once
// What every ports::Traffic must do, the gateway's client and the twin alike. Test-only: include it
// in a *_test.cc and
//     INSTANTIATE_TEST_SUITE_P(Gateway, TrafficConformance, testing::Values(factory));

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ports/traffic.h"

namespace ecluse::ports {

/// Makes a Traffic that knows no site; what it needs (a process, a folder) it owns itself.
using TrafficFactory = std::function<std::unique_ptr<Traffic>()>;

class TrafficConformance : public testing::TestWithParam<TrafficFactory> {
 protected:
  static inline const model::EnvironmentKey kKey{"lettings", "prod"};

  /// Releases 6 and 7 behind one host, `weight_ppm` of the traffic to release 7.
  static Site site(std::uint32_t weight_ppm) {
    const auto arm = [](model::ReleaseNumber release, std::uint32_t weight) {
      return Arm{
          .release = release,
          .weight_ppm = weight,
          .backends = {
              {.process = "web",
               .prefixes = {"/"},
               .targets = {{.instance = "lettings-prod-web", .address = "127.0.0.1", .port = 9}}}}};
    };
    return {.key = kKey,
            .hosts = {"lettings.example"},
            .redirects = {{"www.lettings.example", "lettings.example"}},
            .arms = {arm(6, 1'000'000 - weight_ppm), arm(7, weight_ppm)},
            .cohort_salt = "salt"};
  }
  static Fence fence(std::uint64_t term, std::uint64_t sequence,
                     const std::string& rollout = "lettings/prod@1") {
    return {.term = term, .rollout = rollout, .sequence = sequence};
  }
  static void expect_conflict(const Result<void>& result) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kConflict);
    EXPECT_FALSE(result.error().message.empty());
  }
  std::vector<Site> sites() {
    const auto known = traffic_->sites();
    EXPECT_TRUE(known) << (known ? "" : known.error().message);
    return known.value_or(std::vector<Site>());
  }
  std::unique_ptr<Traffic> traffic_ = GetParam()();
};

TEST_P(TrafficConformance, StartsWithoutSitesAndWithoutLatches) {
  EXPECT_TRUE(sites().empty());
  EXPECT_TRUE(traffic_->latched("lettings/prod@1").value().empty());
  EXPECT_TRUE(traffic_->counters(kKey).value().arms.empty());
}

TEST_P(TrafficConformance, ServesWhatWasAppliedWhole) {
  ASSERT_TRUE(traffic_->apply(site(100'000), fence(1, 1)));
  EXPECT_EQ(sites(), std::vector{site(100'000)});
  Site changed = site(0);
  changed.mode = SiteMode::kMaintenance;
  changed.hosts = {"other.example", "*.other.example"};
  changed.sticky = true;
  changed.on_trial = 7;
  changed.latency_bounds = {Duration(2000), Duration(150)};
  changed.health_paths = {"/health"};
  changed.pages = {{"503", "<p>Back soon</p>"}, {"maintenance", "<p>Working</p>"}};
  changed.basic_auth = "user:password";
  changed.allow = {"10.0.0.0/8"};
  ASSERT_TRUE(traffic_->apply(changed, fence(1, 2)));
  EXPECT_EQ(sites(), std::vector{changed});
}

TEST_P(TrafficConformance, ApplyingTheSameAgainChangesNothing) {
  ASSERT_TRUE(traffic_->apply(site(0), fence(3, 5)));
  ASSERT_TRUE(traffic_->apply(site(0), fence(3, 5)));
  EXPECT_EQ(sites(), std::vector{site(0)});
}

TEST_P(TrafficConformance, RefusesAnOlderDecision) {
  ASSERT_TRUE(traffic_->apply(site(200'000), fence(3, 5)));
  expect_conflict(traffic_->apply(site(0), fence(3, 4)));
  expect_conflict(traffic_->apply(site(0), fence(2, 9)));
  expect_conflict(traffic_->remove(kKey, fence(3, 4)));
  EXPECT_EQ(sites(), std::vector{site(200'000)});
}

TEST_P(TrafficConformance, AnAbortThatComesTooLateToDecideBindsItsRolloutStill) {
  ASSERT_TRUE(traffic_->apply(site(200'000), fence(3, 5)));
  expect_conflict(traffic_->abort(site(0), 7, fence(2, 9)));
  EXPECT_EQ(sites(), std::vector{site(200'000)});
  EXPECT_EQ(traffic_->latched("lettings/prod@1").value(), std::vector<model::ReleaseNumber>{7});
}

TEST_P(TrafficConformance, ANewTermBeatsAnOlderSequence) {
  ASSERT_TRUE(traffic_->apply(site(200'000), fence(3, 50)));
  ASSERT_TRUE(traffic_->apply(site(0), fence(4, 1)));
  EXPECT_EQ(sites(), std::vector{site(0)});
}

TEST_P(TrafficConformance, AnAbortedReleaseGetsNoWeightInItsRolloutAgain) {
  ASSERT_TRUE(traffic_->apply(site(200'000), fence(1, 1)));
  ASSERT_TRUE(traffic_->abort(site(0), 7, fence(1, 2)));
  EXPECT_EQ(sites(), std::vector{site(0)});
  EXPECT_EQ(traffic_->latched("lettings/prod@1").value(), std::vector<model::ReleaseNumber>{7});
  expect_conflict(traffic_->apply(site(300'000), fence(1, 3)));
  expect_conflict(traffic_->apply(site(300'000), fence(2, 1)));
  ASSERT_TRUE(traffic_->apply(site(0), fence(2, 2)));
  EXPECT_EQ(sites(), std::vector{site(0)});
}

TEST_P(TrafficConformance, ALatchBindsOnlyItsOwnRollout) {
  ASSERT_TRUE(traffic_->abort(site(0), 7, fence(1, 1)));
  ASSERT_TRUE(traffic_->apply(site(300'000), fence(1, 2, "lettings/prod@2")));
  EXPECT_EQ(sites(), std::vector{site(300'000)});
  EXPECT_TRUE(traffic_->latched("lettings/prod@2").value().empty());
}

TEST_P(TrafficConformance, AbortingAgainIsTheSameAbort) {
  ASSERT_TRUE(traffic_->abort(site(0), 7, fence(1, 1)));
  ASSERT_TRUE(traffic_->abort(site(0), 7, fence(1, 1)));
  EXPECT_EQ(traffic_->latched("lettings/prod@1").value(), std::vector<model::ReleaseNumber>{7});
}

TEST_P(TrafficConformance, AnAbortThatGivesWeightLatchesAndIsRefused) {
  expect_conflict(traffic_->abort(site(100'000), 7, fence(1, 1)));
  EXPECT_EQ(traffic_->latched("lettings/prod@1").value(), std::vector<model::ReleaseNumber>{7});
}

TEST_P(TrafficConformance, ARemovedSiteIsGoneAndItsFenceStands) {
  ASSERT_TRUE(traffic_->apply(site(0), fence(2, 1)));
  ASSERT_TRUE(traffic_->remove(kKey, fence(2, 2)));
  EXPECT_TRUE(sites().empty());
  expect_conflict(traffic_->apply(site(0), fence(2, 1)));
  ASSERT_TRUE(traffic_->apply(site(0), fence(2, 3)));
  EXPECT_EQ(sites(), std::vector{site(0)});
}

TEST_P(TrafficConformance, RemovingAndDrainingWhatIsNotThereSucceeds) {
  EXPECT_TRUE(traffic_->remove({"none", "prod"}, fence(1, 1)));
  EXPECT_TRUE(traffic_->drain(kKey, 7, Duration(1000)));
}

TEST_P(TrafficConformance, AskingAboutAnUnknownSiteIsNotFound) {
  EXPECT_EQ(traffic_->ask(kKey, 7, "/").error().kind, ErrorKind::kNotFound);
  ASSERT_TRUE(traffic_->apply(site(0), fence(1, 1)));
  ASSERT_TRUE(traffic_->remove(kKey, fence(1, 2)));
  EXPECT_EQ(traffic_->ask(kKey, 7, "/").error().kind, ErrorKind::kNotFound);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TrafficConformance);

}  // namespace ecluse::ports
