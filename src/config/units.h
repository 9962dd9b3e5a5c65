#pragma once
// Durations, sizes and shares as people write them: "1h 30m", "512MB", "10%". Reading is strict and
// bounded; what is written reads back as the very same value.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace ecluse::config {

constexpr Duration kDurationMax = std::chrono::hours(24 * 3660);
constexpr std::uint64_t kSizeBytesMax = 1ULL << 50;

/// "90s", "5m", "1h 30m", "250ms", "1.5s", "30d": units ms, s, m, h, d, w, each once, large to
/// small. Nothing else: no bare number, no sign, nothing below a millisecond.
std::optional<Duration> parse_duration(std::string_view text);

/// "512MB" (10^6), "1GiB" (2^30): units B, kB, MB, GB, TB, KiB, MiB, GiB, TiB.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string write_size(std::uint64_t bytes);

/// "10%" or "0.1": a share from 0 to 1.
std::optional<double> parse_share(std::string_view text);
std::string write_share(double share);

/// Digits with at most one point between them and six behind it, as "3", "0.25"; no sign, no
/// exponent.
std::optional<double> parse_decimal(std::string_view text);
/// Digits without a leading zero, at most `max`.
std::optional<std::uint64_t> parse_whole(std::string_view text, std::uint64_t max);

}  // namespace ecluse::config
