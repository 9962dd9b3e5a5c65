#pragma once
// Ecluse time: what every decision and deadline is measured in. It is milliseconds on a line that
// never jumps back, not across a restart of the control plane, not across a reboot, and not when an
// administrator moves the wall clock. ports/clock.h makes it; the pure cores only receive it.

#include <chrono>
#include <cstdint>
#include <string>

namespace ecluse {

using Duration = std::chrono::milliseconds;

struct EcluseTime {
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  using time_point = std::chrono::time_point<EcluseTime, Duration>;
  static constexpr bool is_steady = true;
};
using TimePoint = EcluseTime::time_point;

/// Wall time, for people and logs only: milliseconds since 1970 UTC.
struct WallTime {
  std::int64_t ms_since_epoch = 0;
  auto operator<=>(const WallTime&) const = default;
};

constexpr TimePoint time_at(std::int64_t ms) {
  return TimePoint{Duration{ms}};
}
constexpr std::int64_t ms_of(TimePoint t) {
  return t.time_since_epoch().count();
}

/// "90ms", "1.5s", "10m", "2h 5m": the shortest exact form people read.
std::string to_string(Duration d);
/// RFC 3339 in UTC with milliseconds: "2026-01-02T03:04:05.678Z".
std::string to_string(WallTime t);

}  // namespace ecluse
