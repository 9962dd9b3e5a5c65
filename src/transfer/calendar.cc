#include "transfer/calendar.h"

#include <fmt/format.h>

#include <chrono>

#include "base/text.h"

namespace ecluse::transfer {

namespace {
using std::chrono::day;
using std::chrono::month;
using std::chrono::year;
using std::chrono::year_month_day;
using Days = std::chrono::sys_days;

constexpr std::int64_t kMicrosecond = 1'000'000;  // of a second
constexpr std::int64_t kDay = 86'400 * kMicrosecond;
constexpr int kFractionMax = 6;

/// Reads a text from its front.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_one_of(std::string_view any) {
    if (rest_.empty() || any.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  /// Exactly `digits` of them.
  std::optional<int> number(std::size_t digits) {
    if (rest_.size() < digits) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return std::nullopt;
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }
  std::string digits() {
    std::string out;
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      out += rest_.front();
      rest_.remove_prefix(1);
    }
    return out;
  }

 private:
  std::string_view rest_;
};

std::optional<Days> scan_date(Scanner& in) {
  const auto y = in.number(4);
  if (!y || !in.take('-')) return std::nullopt;
  const auto m = in.number(2);
  if (!m || !in.take('-')) return std::nullopt;
  const auto d = in.number(2);
  if (!d || *y == 0) return std::nullopt;
  const year_month_day found{year{*y}, month{static_cast<unsigned>(*m)},
                             day{static_cast<unsigned>(*d)}};
  return found.ok() ? std::optional(Days(found)) : std::nullopt;
}

/// Microseconds of ".5" and the like; nothing when it says more than `fraction` digits.
std::optional<std::int64_t> scan_fraction(Scanner& in, int fraction) {
  auto digits = in.digits();
  if (digits.empty()) return std::nullopt;
  while (!digits.empty() && digits.back() == '0') digits.pop_back();
  if (digits.size() > static_cast<std::size_t>(fraction)) return std::nullopt;
  digits.resize(kFractionMax, '0');
  return std::stoll(digits);
}

/// Microseconds after midnight: HH:MM, HH:MM:SS or HH:MM:SS.ffffff.
std::optional<std::int64_t> scan_time(Scanner& in, int fraction) {
  const auto hours = in.number(2);
  if (!hours || !in.take(':')) return std::nullopt;
  const auto minutes = in.number(2);
  if (!minutes) return std::nullopt;
  int seconds = 0;
  std::int64_t micros = 0;
  if (in.take(':')) {
    const auto found = in.number(2);
    if (!found) return std::nullopt;
    seconds = *found;
    if (in.take('.')) {
      const auto part = scan_fraction(in, fraction);
      if (!part) return std::nullopt;
      micros = *part;
    }
  }
  if (*hours > 23 || *minutes > 59 || seconds > 59) return std::nullopt;
  return ((*hours * 60LL + *minutes) * 60 + seconds) * kMicrosecond + micros;
}

/// Microseconds east of UTC: nothing at all, Z, +HH, +HH:MM, +HHMM.
std::optional<std::int64_t> scan_offset(Scanner& in) {
  if (in.done() || in.take('Z') || in.take('z')) return 0;
  const bool west = in.peek() == '-';
  if (!in.take_one_of("+-")) return std::nullopt;
  const auto hours = in.number(2);
  if (!hours) return std::nullopt;
  in.take(':');
  const auto minutes = in.done() ? std::optional(0) : in.number(2);
  if (!minutes || *hours > 15 || *minutes > 59) return std::nullopt;
  const auto offset = (*hours * 60LL + *minutes) * 60 * kMicrosecond;
  return west ? -offset : offset;
}

std::string clock_text(std::int64_t micros) {
  const auto seconds = micros / kMicrosecond;
  auto text = fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (const auto part = micros % kMicrosecond; part != 0) {
    text += fmt::format(".{:06}", part);
    while (text.back() == '0') text.pop_back();
  }
  return text;
}

std::optional<std::string> day_text(Days days) {
  const year_month_day date{days};
  const auto y = static_cast<int>(date.year());
  if (y < 1 || y > 9999) return std::nullopt;
  return fmt::format("{:04}-{:02}-{:02}", y, static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

/// `micros` after midnight of `days`; may be before it or days later.
std::optional<std::string> moment_text(Days days, std::int64_t micros, Zone zone) {
  auto whole = micros / kDay;
  if (micros % kDay < 0) --whole;
  const auto date = day_text(days + std::chrono::days(whole));
  if (!date) return std::nullopt;
  return *date + " " + clock_text(micros - whole * kDay) + (zone == Zone::kUtc ? "+00" : "");
}
}  // namespace

std::optional<std::string> date_text(std::string_view text) {
  Scanner in(trim(text));
  const auto days = scan_date(in);
  if (!days) return std::nullopt;
  if (!in.done()) {
    if (!in.take_one_of("T ") || scan_time(in, kFractionMax) != 0 || !in.done())
      return std::nullopt;
  }
  return day_text(*days);
}

std::optional<std::string> time_text(std::string_view text, int fraction) {
  Scanner in(trim(text));
  const auto micros = scan_time(in, fraction);
  if (!micros || !in.done()) return std::nullopt;
  return clock_text(*micros);
}

std::optional<std::string> timestamp_text(std::string_view text, Zone zone, int fraction) {
  Scanner in(trim(text));
  const auto days = scan_date(in);
  if (!days) return std::nullopt;
  if (in.done()) return moment_text(*days, 0, zone);
  if (!in.take_one_of("T ")) return std::nullopt;
  const auto micros = scan_time(in, fraction);
  if (!micros) return std::nullopt;
  in.take(' ');
  const auto offset = scan_offset(in);
  if (!offset || !in.done() || (zone == Zone::kNone && *offset != 0)) return std::nullopt;
  return moment_text(*days, *micros - *offset, zone);
}

std::optional<std::string> timestamp_text(std::int64_t milliseconds, Zone zone) {
  constexpr std::int64_t kReach = 400'000'000'000'000;  // beyond year 9999, before an overflow
  if (milliseconds > kReach || milliseconds < -kReach) return std::nullopt;
  return moment_text(Days{}, milliseconds * 1000, zone);
}

std::string interval_text(std::int64_t microseconds) {
  const bool negative = microseconds < 0;
  const auto size = negative ? 0 - static_cast<std::uint64_t>(microseconds)
                             : static_cast<std::uint64_t>(microseconds);
  const auto seconds = size / kMicrosecond;
  auto text = fmt::format("{}{:02}:{:02}:{:02}", negative ? "-" : "", seconds / 3600,
                          seconds / 60 % 60, seconds % 60);
  if (const auto part = size % kMicrosecond; part != 0) {
    text += fmt::format(".{:06}", part);
    while (text.back() == '0') text.pop_back();
  }
  return text;
}

}  // namespace ecluse::transfer
