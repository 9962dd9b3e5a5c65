#include "base/time.h"

#include <fmt/format.h>

#include <ctime>

namespace ecluse {

std::string to_string(Duration d) {
  using namespace std::chrono;
  if (d < Duration::zero()) return "-" + to_string(-d);
  if (d < seconds(1)) return fmt::format("{}ms", d.count());
  if (d < minutes(1)) {
    const double whole_s = static_cast<double>(d.count()) / 1000;
    return fmt::format("{:g}s", whole_s);
  }
  const auto s = duration_cast<seconds>(d).count();
  if (s < 3600)
    return s % 60 == 0 ? fmt::format("{}m", s / 60) : fmt::format("{}m {}s", s / 60, s % 60);
  if (s < 86400) {
    const auto m = s / 60 % 60;
    return m == 0 ? fmt::format("{}h", s / 3600) : fmt::format("{}h {}m", s / 3600, m);
  }
  const auto h = s / 3600 % 24;
  return h == 0 ? fmt::format("{}d", s / 86400) : fmt::format("{}d {}h", s / 86400, h);
}

std::string to_string(WallTime t) {
  std::int64_t seconds_since_epoch = t.ms_since_epoch / 1000;
  std::int64_t ms = t.ms_since_epoch % 1000;
  if (ms < 0) {
    ms += 1000;
    seconds_since_epoch -= 1;
  }
  const std::time_t when = seconds_since_epoch;
  std::tm utc{};
  gmtime_r(&when, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, ms);
}

}  // namespace ecluse
