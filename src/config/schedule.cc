#include "config/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "config/units.h"

namespace ecluse::config {

namespace {

constexpr std::array<std::string_view, 9> kDays{
    "day", "weekday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};

struct CronField {
  std::string_view name;
  std::uint64_t min;
  std::uint64_t max;
};
constexpr std::array<CronField, 5> kCronFields{{{"minute", 0, 59},
                                                {"hour", 0, 23},
                                                {"day of the month", 1, 31},
                                                {"month", 1, 12},
                                                {"day of the week", 0, 7}}};

tl::unexpected<Error> no(std::string message) {
  return fail(ErrorKind::kInvalid, std::move(message));
}

/// "03:00"
bool is_time_of_day(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return false;
  const auto two_digits = [&](std::size_t at, int max) {
    const char tens = text[at];
    const char ones = text[at + 1];
    if (tens < '0' || tens > '9' || ones < '0' || ones > '9') return false;
    return (tens - '0') * 10 + (ones - '0') <= max;
  };
  return two_digits(0, 23) && two_digits(3, 59);
}

bool in_field(std::string_view number, const CronField& field) {
  const auto value = parse_whole(number, field.max);
  return value && *value >= field.min;
}

/// "*", "5", "1-5", each with "/step".
bool is_cron_range(std::string_view text, const CronField& field) {
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto step = parse_whole(text.substr(slash + 1), field.max);
    if (!step || *step == 0) return false;
    text = text.substr(0, slash);
  }
  if (text == "*") return true;
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return in_field(text, field);
  const auto from = text.substr(0, dash);
  const auto to = text.substr(dash + 1);
  return in_field(from, field) && in_field(to, field) &&
         *parse_whole(from, field.max) <= *parse_whole(to, field.max);
}

Result<void> check_cron(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < kCronFields.size(); ++i) {
    const auto ranges = split(words[i], ',');
    const bool fits = std::ranges::all_of(
        ranges, [&](const auto& range) { return is_cron_range(range, kCronFields[i]); });
    if (!fits)
      return no(fmt::format("'{}' is not a {} ({} to {})", printable(words[i], 40),
                            kCronFields[i].name, kCronFields[i].min, kCronFields[i].max));
  }
  return {};
}

bool looks_like_cron(const std::vector<std::string>& words) {
  return words.size() == kCronFields.size() &&
         words[0].find_first_not_of("0123456789*,-/") == std::string::npos;
}

Result<void> check_day(const std::vector<std::string>& words) {
  if (words.size() == 1) return {};
  if (words.size() != 3 || words[1] != "at") return no("not of the form DAY at HH:MM");
  if (!is_time_of_day(words[2]))
    return no(
        fmt::format("'{}' is not a time of day from 00:00 to 23:59", printable(words[2], 20)));
  return {};
}

}  // namespace

Result<void> check_schedule(std::string_view text) {
  const auto words = split(text, ' ');
  if (words[0] == "hour" && words.size() == 1) return {};
  if (std::ranges::find(kDays, words[0]) != kDays.end()) return check_day(words);
  if (looks_like_cron(words)) return check_cron(words);
  const auto duration = parse_duration(text);
  if (!duration) return no("not a schedule");
  if (*duration < std::chrono::minutes(1)) return no("more often than once a minute");
  return {};
}

}  // namespace ecluse::config
