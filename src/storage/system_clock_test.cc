#include "storage/system_clock.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/locked.h"
#include "os/file.h"
#include "os/temp_folder.h"

namespace ecluse::storage {
namespace {

using namespace std::chrono_literals;

/// Clocks that stand where they are put.
class FakeClocks {
 public:
  ReadClocks reader() {
    return [this]() -> Result<ClockReading> {
      return reading_.with([](const ClockReading& reading) { return reading; });
    };
  }
  void pass(Duration time) {
    reading_.with([&](ClockReading& reading) {
      reading.boottime_ms += time.count();
      reading.wall_ms += time.count();
    });
  }
  void jump_wall(Duration by) {
    reading_.with([&](ClockReading& reading) { reading.wall_ms += by.count(); });
  }
  void reboot(Duration off) {
    reading_.with([&](ClockReading& reading) {
      reading.boot_id += "'";
      reading.boottime_ms = 1000;
      reading.wall_ms += off.count();
    });
  }

 private:
  Locked<ClockReading> reading_{ClockReading{"boot", 50'000, 1'700'000'000'000}};
};

class SystemClockTest : public testing::Test {
 protected:
  std::unique_ptr<SystemClock> open(TimePoint floor = {}) {
    return SystemClock::open(file_, {.floor = floor, .read = clocks_.reader()}).value();
  }
  os::TempFolder folder_;
  std::filesystem::path file_ = folder_.path() / "clock.json";
  FakeClocks clocks_;
};

TEST_F(SystemClockTest, GoesOnOverARestart) {
  auto clock = open();
  clocks_.pass(10s);
  const auto before = clock->now();
  clock.reset();
  clocks_.pass(5s);
  EXPECT_EQ(open()->now(), before + 5s);
}

TEST_F(SystemClockTest, GoesOnOverARebootByTheWallClock) {
  auto clock = open();
  clocks_.pass(10s);
  const auto before = clock->now();
  clock.reset();
  clocks_.reboot(2min);
  EXPECT_EQ(open()->now(), before + 2min);
}

TEST_F(SystemClockTest, DoesNotFollowAWallClockThatJumps) {
  const auto clock = open();
  const auto before = clock->now();
  clocks_.jump_wall(24h * 400);
  EXPECT_EQ(clock->now(), before);
  clocks_.jump_wall(-24h * 800);
  clocks_.pass(1s);
  EXPECT_EQ(clock->now(), before + 1s);
}

TEST_F(SystemClockTest, StartsAtTheFloorWhenItsFileWasLost) {
  EXPECT_EQ(open(time_at(777'000))->now(), time_at(777'000));
}

TEST_F(SystemClockTest, PutsADamagedFileAsideAndGoesOnFromTheFloor) {
  std::ofstream(file_) << "{\"ecluse_ms\": \"no\"";
  EXPECT_EQ(open(time_at(42))->now(), time_at(42));
  EXPECT_TRUE(std::filesystem::exists(file_.string() + ".damaged"));
  EXPECT_TRUE(std::filesystem::exists(file_));
}

TEST_F(SystemClockTest, PersistsByItselfWithinItsInterval) {
  const auto clock =
      SystemClock::open(file_, {.persist_interval = 1ms, .read = clocks_.reader()}).value();
  clocks_.pass(1h);
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  const auto written = [&] { return os::read_file(file_, 4096).value_or(""); };
  while (written().find("\"ecluse_ms\":3600000") == std::string::npos) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  }
}

TEST_F(SystemClockTest, TheRealClocksAdvance) {
  const auto clock = SystemClock::open(file_).value();
  const auto first = clock->now();
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (clock->now() == first) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  EXPECT_GT(clock->now(), first);
  EXPECT_GT(clock->wall().ms_since_epoch, 1'600'000'000'000);
}

}  // namespace
}  // namespace ecluse::storage
