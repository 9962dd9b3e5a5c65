#include "base/time.h"

#include <gtest/gtest.h>

namespace ecluse {
namespace {

using namespace std::chrono_literals;

TEST(Duration, ReadsAsPeopleWriteIt) {
  EXPECT_EQ(to_string(Duration(90ms)), "90ms");
  EXPECT_EQ(to_string(Duration(1500ms)), "1.5s");
  EXPECT_EQ(to_string(Duration(10min)), "10m");
  EXPECT_EQ(to_string(Duration(2h + 5min)), "2h 5m");
  EXPECT_EQ(to_string(Duration(24h * 30)), "30d");
  EXPECT_EQ(to_string(-Duration(5s)), "-5s");
}

TEST(Duration, IsWrittenExactlyHoweverManyPartsItTakes) {
  EXPECT_EQ(to_string(Duration(24h + 1min)), "1d 1m");
  EXPECT_EQ(to_string(Duration(1h + 30s)), "1h 30s");
  EXPECT_EQ(to_string(Duration(1min + 250ms)), "1m 0.25s");
  EXPECT_EQ(to_string(Duration(0ms)), "0ms");
}

TEST(WallTime, IsWrittenInUtcWithMillisecondsAlsoBefore1970) {
  EXPECT_EQ(to_string(WallTime{0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_string(WallTime{-1}), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(to_string(WallTime{951782400123}), "2000-02-29T00:00:00.123Z");
}

}  // namespace
}  // namespace ecluse
