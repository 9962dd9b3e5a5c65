// What the control plane makes of what the gateway counted, whoever of the two dies meanwhile.
#include "control/measuring.h"

#include <gtest/gtest.h>

#include "metrics/sketch.h"
#include "sim/twins/measurements.h"

namespace ecluse::control {
namespace {
using std::chrono::minutes;
using std::chrono::seconds;

const model::EnvironmentKey kProd{"lettings", "prod"};

/// A reader of the twin with a clock of the test's own.
struct Reader {
  void read(Duration at = {}) {
    const auto batch = gateway.read(measured.cursor());
    ASSERT_TRUE(batch);
    measured.hear(*batch, at);
  }
  std::uint64_t requests(model::ReleaseNumber release) const {
    const auto found = measured.traffic().releases.find({kProd, release});
    return found == measured.traffic().releases.end() ? 0 : found->second.counters.requests;
  }
  std::uint64_t answers(model::ReleaseNumber release) const {
    return metrics::count_of(measured.traffic().releases.at({kProd, release}).latencies);
  }
  sim::MeasurementsTwin& gateway;
  Measured measured = {};
};

void answer(sim::MeasurementsTwin& gateway, int times, std::uint64_t us = 1000) {
  const auto bucket = static_cast<std::uint32_t>(metrics::sketch_bucket(us));
  for (int i = 0; i < times; ++i) gateway.answer(kProd, 7, bucket);
}

TEST(Measured, ABatchThatIsHeardTwiceCountsOnce) {
  sim::MeasurementsTwin gateway;
  answer(gateway, 3);
  const auto batch = gateway.read({});
  Measured measured;
  measured.hear(*batch, {});
  measured.hear(*batch, {});
  EXPECT_EQ(measured.traffic().releases.at({kProd, 7}).counters.requests, 3U);
}

TEST(Measured, ADeadWorkerOfTheGatewayCountsNothingTwice) {
  sim::MeasurementsTwin gateway;
  Reader reader{gateway};
  answer(gateway, 3);
  reader.read();
  gateway.begin_epoch();
  answer(gateway, 1);
  reader.read();
  EXPECT_EQ(reader.requests(7), 4U);
  EXPECT_EQ(reader.answers(7), 4U);
}

TEST(Measured, AControlPlaneThatBeginsAnewKnowsTheSame) {
  sim::MeasurementsTwin gateway;
  answer(gateway, 3);
  Reader{gateway}.read();
  answer(gateway, 2);
  Reader next{gateway};
  next.read();
  EXPECT_EQ(next.requests(7), 5U);
}

TEST(Measured, AGatewayThatBeginsAnewCountsFromZeroAndWhatItHadIsGone) {
  sim::MeasurementsTwin gateway;
  Reader reader{gateway};
  answer(gateway, 9);
  gateway.answer(kProd, 6);
  reader.read();
  gateway.forget_everything();
  answer(gateway, 1);
  reader.read();
  EXPECT_EQ(reader.requests(7), 1U);
  EXPECT_EQ(reader.requests(6), 0U);
}

TEST(Measured, LatenciesAreThoseOfTheLastMinutes) {
  sim::MeasurementsTwin gateway;
  Reader reader{gateway};
  answer(gateway, 100, 2'000'000);
  for (int minute = 0; minute <= 10; ++minute) reader.read(minutes(minute));
  EXPECT_TRUE(reader.measured.latencies(kProd, minutes(10)).empty());
  answer(gateway, 19, 10'000);
  answer(gateway, 1, 500'000);
  reader.read(minutes(10) + seconds(30));
  const auto views = reader.measured.latencies(kProd, minutes(10) + seconds(30));
  ASSERT_TRUE(views.contains(7));
  EXPECT_EQ(views.at(7).answers, 20U);
  EXPECT_NEAR(views.at(7).p50_ms, 10, 0.11);
  EXPECT_NEAR(views.at(7).p95_ms, 10, 0.11);
  EXPECT_GE(views.at(7).over, Measured::kLookBack);
  EXPECT_LT(views.at(7).over, Measured::kLookBack + Measured::kMarkEvery);
}

TEST(Measured, LatenciesSurviveADeadWorkerButNotAnotherLifeOfTheGateway) {
  sim::MeasurementsTwin gateway;
  Reader reader{gateway};
  reader.read();
  answer(gateway, 5);
  gateway.begin_epoch();
  reader.read(seconds(10));
  EXPECT_EQ(reader.measured.latencies(kProd, seconds(10)).at(7).answers, 5U);
  gateway.forget_everything();
  reader.read(seconds(20));
  EXPECT_TRUE(reader.measured.latencies(kProd, seconds(20)).empty());
}

TEST(Measuring, FollowsTheGatewayAndSaysWhenItIsAway) {
  sim::MeasurementsTwin gateway;
  answer(gateway, 2);
  const Measuring measuring(&gateway);
  const auto await = [&](auto is_so) {
    const auto deadline = std::chrono::steady_clock::now() + seconds(20);
    while (!is_so(measuring.standing()) && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    return measuring.standing();
  };
  const auto first = await([](const auto& standing) { return standing.gateway_answers; });
  ASSERT_TRUE(first.gateway_answers);
  EXPECT_EQ(first.traffic.releases.at({kProd, 7}).counters.requests, 2U);
  gateway.set_away(true);
  const auto last = await([](const auto& standing) { return !standing.gateway_answers; });
  EXPECT_FALSE(last.gateway_answers);
  EXPECT_EQ(last.traffic.releases.at({kProd, 7}).counters.requests, 2U);
}

}  // namespace
}  // namespace ecluse::control
