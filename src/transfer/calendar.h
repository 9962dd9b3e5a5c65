#pragma once
// Dates and times as SQLite's users write them, in the one spelling of PostgreSQL's ISO style.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ecluse::transfer {

enum class Zone {
  kNone,  ///< as it stands; an offset other than zero is lost and thus not taken
  kUtc,   ///< moved to UTC, "+00" behind it
};

/// "2024-02-29"; a timestamp at midnight is its date. Years 1 to 9999. Nothing: not a date.
std::optional<std::string> date_text(std::string_view text);
/// "10:20:30.5": hours to at most `fraction` digits of a second, zeros at the end cut. Nothing: not
/// a time, or more digits than that.
std::optional<std::string> time_text(std::string_view text, int fraction);
/// "2024-02-29 10:20:30.5"; a date alone is its midnight.
std::optional<std::string> timestamp_text(std::string_view text, Zone zone, int fraction);
/// Of milliseconds after 1970.
std::optional<std::string> timestamp_text(std::int64_t milliseconds, Zone zone);
/// "-01:02:03.5" of microseconds: PostgreSQL's spelling of an interval without days.
std::string interval_text(std::int64_t microseconds);

}  // namespace ecluse::transfer
