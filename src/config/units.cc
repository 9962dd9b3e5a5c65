#include "config/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace ecluse::config {

namespace {

template <typename Scale>
struct Unit {
  std::string_view name;
  Scale scale;
};

constexpr std::array<Unit<std::int64_t>, 6> kDurationUnits{{{"w", 7LL * 86'400'000},
                                                            {"d", 86'400'000},
                                                            {"h", 3'600'000},
                                                            {"m", 60'000},
                                                            {"s", 1'000},
                                                            {"ms", 1}}};
constexpr std::array<Unit<std::uint64_t>, 9> kSizeUnits{{{"TiB", 1ULL << 40},
                                                         {"TB", 1'000'000'000'000},
                                                         {"GiB", 1ULL << 30},
                                                         {"GB", 1'000'000'000},
                                                         {"MiB", 1ULL << 20},
                                                         {"MB", 1'000'000},
                                                         {"KiB", 1ULL << 10},
                                                         {"kB", 1'000},
                                                         {"B", 1}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// "15m" into "15" and "m".
struct Quantity {
  std::string_view number;
  std::string_view unit;
};
Quantity quantity(std::string_view word) {
  std::size_t digits = 0;
  while (digits < word.size() && (is_digit(word[digits]) || word[digits] == '.')) ++digits;
  return {word.substr(0, digits), word.substr(digits)};
}

template <typename Units>
std::optional<std::size_t> unit_index(const Units& units, std::string_view name) {
  for (std::size_t i = 0; i < units.size(); ++i)
    if (units[i].name == name) return i;
  return std::nullopt;
}

/// number * scale, when that is whole and at most `max`.
std::optional<std::uint64_t> scaled(std::string_view number, std::uint64_t scale,
                                    std::uint64_t max) {
  if (const auto whole = parse_whole(number, max / scale)) return *whole * scale;
  const auto decimal = parse_decimal(number);
  if (!decimal || number.find('.') == std::string_view::npos) return std::nullopt;
  const double product = *decimal * static_cast<double>(scale);
  if (product > static_cast<double>(max)) return std::nullopt;
  const double whole = std::nearbyint(product);
  if (std::abs(product - whole) > 1e-6) return std::nullopt;
  return static_cast<std::uint64_t>(whole);
}

}  // namespace

std::optional<std::uint64_t> parse_whole(std::string_view text, std::uint64_t max) {
  if (text.empty() || !is_digit(text[0]) || (text[0] == '0' && text.size() > 1))
    return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

std::optional<double> parse_decimal(std::string_view text) {
  // Six decimals are what write_share() gives back exactly.
  constexpr std::size_t kDecimalsMax = 6;
  constexpr std::size_t kDigitsMax = 18;
  if (text.empty() || text.size() > kDigitsMax || !is_digit(text.front()) || !is_digit(text.back()))
    return std::nullopt;
  const std::size_t point = text.find('.');
  if (point != std::string_view::npos && text.size() - point - 1 > kDecimalsMax)
    return std::nullopt;
  if (text.size() > 1 && text[0] == '0' && text[1] != '.') return std::nullopt;
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Duration> parse_duration(std::string_view text) {
  std::uint64_t sum_ms = 0;
  std::size_t next_unit = 0;
  const auto max = static_cast<std::uint64_t>(kDurationMax.count());
  for (const auto& word : split(text, ' ')) {
    const auto [number, unit] = quantity(word);
    const auto index = unit_index(kDurationUnits, unit);
    if (!index || *index < next_unit) return std::nullopt;
    next_unit = *index + 1;
    const auto ms = scaled(number, static_cast<std::uint64_t>(kDurationUnits[*index].scale), max);
    if (!ms || (sum_ms += *ms) > max) return std::nullopt;
  }
  return Duration{static_cast<std::int64_t>(sum_ms)};
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto [number, unit] = quantity(text);
  const auto index = unit_index(kSizeUnits, unit);
  if (!index) return std::nullopt;
  return scaled(number, kSizeUnits[*index].scale, kSizeBytesMax);
}

std::string write_size(std::uint64_t bytes) {
  for (const auto& [name, scale] : kSizeUnits)
    if (bytes >= scale && bytes % scale == 0) return fmt::format("{}{}", bytes / scale, name);
  return "0B";
}

std::optional<double> parse_share(std::string_view text) {
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  const auto value = parse_decimal(text);
  if (!value) return std::nullopt;
  const double share = percent ? *value / 100 : *value;
  return share <= 1 ? std::optional(share) : std::nullopt;
}

std::string write_share(double share) {
  const std::string percent = fmt::format("{:.10g}%", share * 100);
  if (parse_share(percent) == share) return percent;
  return fmt::format("{:.6f}", share);
}

}  // namespace ecluse::config
