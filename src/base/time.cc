#include "base/time.h"

#include <fmt/format.h>

#include <ctime>

namespace ecluse {

namespace {
struct Unit {
  std::int64_t ms;
  const char* name;
};
constexpr Unit kWholeUnits[] = {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}};
}  // namespace

std::string to_string(Duration d) {
  if (d < Duration::zero()) return "-" + to_string(-d);
  std::int64_t left_ms = d.count();
  if (left_ms < 1000) return fmt::format("{}ms", left_ms);
  std::string out;
  const auto add = [&](const std::string& part) { out += (out.empty() ? "" : " ") + part; };
  for (const auto& [ms, name] : kWholeUnits) {
    if (left_ms >= ms) add(fmt::format("{}{}", left_ms / ms, name));
    left_ms %= ms;
  }
  if (left_ms > 0) add(fmt::format("{:g}s", static_cast<double>(left_ms) / 1000));
  return out;
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
