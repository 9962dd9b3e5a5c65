#include "gateway/timer_wheel.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <vector>

namespace ecluse::gateway {

RC_GTEST_PROP(TimerWheel, ExpiresEachEntryOnceSoonAfterItsDeadline, ()) {
  const auto deadlines = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 60'000));
  const auto step = *rc::gen::inRange<Millis>(1, 3000);
  TimerWheel wheel(1000);
  std::vector<TimerEntry> entries(deadlines.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    wheel.set(entries[i], 1000 + 90'000);  // then earlier: it must move
    wheel.set(entries[i], 1000 + deadlines[i]);
  }
  std::map<TimerEntry*, Millis> expired;
  for (Millis now = 1000; now < 1000 + 65'000; now += step) {
    wheel.advance(now, [&](TimerEntry& entry) {
      RC_ASSERT(entry.deadline <= now);
      RC_ASSERT(now - entry.deadline < step + 64);
      RC_ASSERT(expired.emplace(&entry, now).second);
    });
  }
  RC_ASSERT(expired.size() == entries.size());
  RC_ASSERT(wheel.sleep_ms(70'000) == -1);
}

TEST(TimerWheel, ALaterDeadlineIsKeptWithoutMoving) {
  TimerWheel wheel(0);
  TimerEntry entry;
  wheel.set(entry, 100);
  wheel.set(entry, 5000);
  int expired = 0;
  for (Millis now = 0; now < 4990; now += 10) wheel.advance(now, [&](TimerEntry&) { ++expired; });
  EXPECT_EQ(expired, 0);
  for (Millis now = 4990; now < 5100; now += 10)
    wheel.advance(now, [&](TimerEntry&) { ++expired; });
  EXPECT_EQ(expired, 1);
}

TEST(TimerWheel, ARemovedEntryNeverExpires) {
  TimerWheel wheel(0);
  TimerEntry entry;
  wheel.set(entry, 100);
  wheel.remove(entry);
  wheel.advance(100'000, [](TimerEntry&) { FAIL(); });
}

TEST(TimerWheel, SleepsNoLongerThanTheNextDeadline) {
  TimerWheel wheel(1000);
  EXPECT_EQ(wheel.sleep_ms(1000), -1);
  TimerEntry entry;
  wheel.set(entry, 1500);
  EXPECT_GT(wheel.sleep_ms(1000), 400);
  EXPECT_LE(wheel.sleep_ms(1000), 600);
}

}  // namespace ecluse::gateway
