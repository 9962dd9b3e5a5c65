// What the control plane reads of releases' requests, from the running program.
#include "gateway/measurements_client.h"

#include <gtest/gtest.h>

#include "gateway/testing_sites.h"
#include "ports/measurements_conformance.h"

namespace ecluse::gateway::testing {

namespace {
using ports::MeasurementsConformance;
using ports::ReleaseMeasures;

class GatewayMeasured final : public ports::MeasurementsWorld {
 public:
  ports::Measurements& measurements() override { return measurements_; }
  void visit(model::ReleaseNumber release) override {
    const ports::Site all_to_one = site({arm(release, kAll, app_)});
    ASSERT_TRUE(served_.traffic.apply(all_to_one, decisions_.next()));
    const std::uint64_t before = measured_of(release);
    EXPECT_EQ(status_of(answer_to(served_.port(), get("a"))), 200);
    EXPECT_TRUE(eventually([&] { return measured_of(release) == before + 1; }));
  }
  void exceed_a_bound() override {
    const std::string field = "X-Long: " + std::string(40'000, 'x') + "\r\n";
    EXPECT_EQ(status_of(answer_to(served_.port(), get("a", "/", field))), 431);
  }
  void forget_everything() override { served_.restart(); }

 private:
  std::uint64_t measured_of(model::ReleaseNumber number) {
    const auto batch = measurements_.read({});
    if (!batch) return 0;
    std::uint64_t sum = 0;
    for (const ReleaseMeasures& release : batch->releases) {
      if (release.release != number || release.counters.in_flight != 0) continue;
      for (const auto& [bucket, count] : release.latencies) sum += count;
    }
    return sum;
  }

  RecordingApp app_;
  Served served_;
  Decisions decisions_;
  MeasurementsClient measurements_{served_.folder.path() / "gateway.sock", Duration(15'000)};
};
}  // namespace

INSTANTIATE_TEST_SUITE_P(Gateway, MeasurementsConformance,
                         ::testing::Values([] { return std::make_unique<GatewayMeasured>(); }));

TEST(Measurements, AKilledWorkerIsAnotherEpochWithTheSameCounts) {
  RecordingApp app;
  Served served;
  Decisions decisions;
  ASSERT_TRUE(served.traffic.apply(site({arm(7, kAll, app)}), decisions.next()));
  MeasurementsClient measurements(served.folder.path() / "gateway.sock", Duration(15'000));
  const auto requests_told = [&](const ports::MeasureBatch& batch) {
    return batch.releases.empty() ? 0 : batch.releases[0].counters.requests;
  };
  EXPECT_EQ(status_of(answer_to(served.port(), get("a"))), 200);
  const auto before = measurements.read({});
  ASSERT_TRUE(before);
  EXPECT_EQ(requests_told(*before), 1U);
  served.gateway->kill_worker();
  EXPECT_EQ(status_of(answer_to(served.port(), get("a"))), 200);
  const auto after = measurements.read(before->next);
  ASSERT_TRUE(after);
  EXPECT_TRUE(after->is_whole);
  EXPECT_EQ(requests_told(*after), 2U);
}

TEST(Measurements, WhatWeAskOurselvesIsNotAmongThem) {
  RecordingApp app;
  Served served;
  Decisions decisions;
  ASSERT_TRUE(served.traffic.apply(site({arm(7, kAll, app)}), decisions.next()));
  ASSERT_TRUE(served.traffic.ask(kKey, 7, "/"));
  EXPECT_EQ(status_of(answer_to(served.port(), get("a"))), 200);
  MeasurementsClient measurements(served.folder.path() / "gateway.sock", Duration(15'000));
  EXPECT_TRUE(eventually([&] {
    const auto batch = measurements.read({});
    return batch && !batch->releases.empty() && !batch->releases[0].latencies.empty();
  }));
  const auto batch = measurements.read({});
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->releases[0].counters.requests, 1U);
  std::uint64_t measured = 0;
  for (const auto& [bucket, count] : batch->releases[0].latencies) measured += count;
  EXPECT_EQ(measured, 1U);
}

TEST(Measurements, TheLatencyBoundsOfASiteComeWithItsReleases) {
  RecordingApp app;
  Served served;
  Decisions decisions;
  ports::Site bounded = site({arm(7, kAll, app)});
  bounded.latency_bounds = {Duration(250), Duration(2000)};
  ASSERT_TRUE(served.traffic.apply(bounded, decisions.next()));
  EXPECT_EQ(status_of(answer_to(served.port(), get("a"))), 200);
  MeasurementsClient measurements(served.folder.path() / "gateway.sock", Duration(15'000));
  const auto batch = measurements.read({});
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->releases.size(), 1U);
  EXPECT_EQ(batch->releases[0].latency_bounds, bounded.latency_bounds);
}

}  // namespace ecluse::gateway::testing
