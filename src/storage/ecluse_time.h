#pragma once
// The arithmetic of ecluse time (base/time.h), without a clock: values in, values out.

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/time.h"

namespace ecluse::storage {

/// What the machine's clocks say at one moment.
struct ClockReading {
  std::string boot_id;           ///< changes with each boot of the kernel
  std::int64_t boottime_ms = 0;  ///< CLOCK_BOOTTIME: counts suspended time, knows no wall clock
  std::int64_t wall_ms = 0;      ///< CLOCK_REALTIME: anybody may move it
  bool operator==(const ClockReading&) const = default;
};

/// A stored moment: this ecluse time was, when the clocks said this.
struct ClockAnchor {
  TimePoint ecluse{};
  ClockReading reading;
  bool operator==(const ClockAnchor&) const = default;
};

/// While switched off, time passes by at most this: a wall clock that comes back years ahead must
/// not let every deadline and retention expire at once.
constexpr Duration kOffTimeMax = std::chrono::hours(24);

/// Ecluse time at `now`. Never before `anchor.ecluse`, whatever the clocks do.
inline TimePoint ecluse_time(const ClockAnchor& anchor, const ClockReading& now,
                             Duration off_time_max = kOffTimeMax) {
  // Differences are made of unsigned numbers so that no hostile clock can overflow them.
  const auto passed = [](std::int64_t from, std::int64_t to) {
    const auto ms = static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
    return to <= from ? std::uint64_t{0} : std::min<std::uint64_t>(ms, INT64_MAX / 4);
  };
  const bool same_boot = anchor.reading.boot_id == now.boot_id;
  const auto ms = same_boot ? passed(anchor.reading.boottime_ms, now.boottime_ms)
                            : std::min(passed(anchor.reading.wall_ms, now.wall_ms),
                                       static_cast<std::uint64_t>(off_time_max.count()));
  return anchor.ecluse + Duration(static_cast<std::int64_t>(ms));
}

}  // namespace ecluse::storage
