#include "storage/ecluse_time.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace ecluse::storage {
namespace {

using namespace std::chrono_literals;

const ClockAnchor kAnchor{time_at(5000), {"boot-a", 100'000, 1'700'000'000'000}};

ClockReading same_boot(Duration later, Duration wall_later) {
  return {"boot-a", kAnchor.reading.boottime_ms + later.count(),
          kAnchor.reading.wall_ms + wall_later.count()};
}
ClockReading next_boot(Duration wall_later) {
  return {"boot-b", 3'000, kAnchor.reading.wall_ms + wall_later.count()};
}

TEST(EcluseTime, FollowsBoottimeWhileTheBootIsTheSame) {
  EXPECT_EQ(ecluse_time(kAnchor, same_boot(90s, 90s)), kAnchor.ecluse + 90s);
}

TEST(EcluseTime, IgnoresAWallClockThatIsMoved) {
  EXPECT_EQ(ecluse_time(kAnchor, same_boot(1s, 24h * 365)), kAnchor.ecluse + 1s);
  EXPECT_EQ(ecluse_time(kAnchor, same_boot(1s, -24h * 365)), kAnchor.ecluse + 1s);
}

TEST(EcluseTime, CountsSuspendedTime) {
  EXPECT_EQ(ecluse_time(kAnchor, same_boot(8h, 8h)), kAnchor.ecluse + 8h);
}

TEST(EcluseTime, CountsTheTimeSwitchedOffByTheWallClock) {
  EXPECT_EQ(ecluse_time(kAnchor, next_boot(10min)), kAnchor.ecluse + 10min);
}

TEST(EcluseTime, ClampsAWallClockThatJumpedAheadOverAReboot) {
  EXPECT_EQ(ecluse_time(kAnchor, next_boot(24h * 3650)), kAnchor.ecluse + kOffTimeMax);
}

TEST(EcluseTime, StandsStillWhenTheWallClockFellBackOverAReboot) {
  EXPECT_EQ(ecluse_time(kAnchor, next_boot(-24h * 3650)), kAnchor.ecluse);
}

TEST(EcluseTime, StandsStillWhenASnapshotOfTheMachineIsRestored) {
  EXPECT_EQ(ecluse_time(kAnchor, same_boot(-50s, -50s)), kAnchor.ecluse);
}

TEST(EcluseTime, NeverGoesBackUnderAnyClocks) {
  rc::check([](std::int64_t boottime, std::int64_t wall, std::int64_t then_boottime,
               std::int64_t then_wall, bool same) {
    const ClockAnchor anchor{time_at(7), {"a", boottime, wall}};
    const ClockReading now{same ? "a" : "b", then_boottime, then_wall};
    RC_ASSERT(ecluse_time(anchor, now) >= anchor.ecluse);
    RC_ASSERT(same || ecluse_time(anchor, now) <= anchor.ecluse + kOffTimeMax);
  });
}

TEST(EcluseTime, AChainOfAnchorsOnOneBootIsExact) {
  rc::check([](const std::vector<std::uint16_t>& steps) {
    ClockAnchor anchor = kAnchor;
    std::int64_t sum = 0;
    for (const auto step : steps) {
      ClockReading now = anchor.reading;
      now.boottime_ms += step;
      sum += step;
      anchor = {ecluse_time(anchor, now), now};
    }
    RC_ASSERT(anchor.ecluse == kAnchor.ecluse + Duration(sum));
  });
}

}  // namespace
}  // namespace ecluse::storage
