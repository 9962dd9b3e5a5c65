#pragma once
// How long the keeper waits before it starts a worker process again.

#include <algorithm>
#include <chrono>

namespace ecluse::gateway {

inline constexpr std::chrono::milliseconds kPauseMax{2000};
/// Of one that could serve: back within a second.
inline constexpr std::chrono::milliseconds kServingPauseMax{400};

/// After so many deaths in a row, each soon after the start; the first may be mere bad luck.
constexpr std::chrono::milliseconds pause_after(int quick_deaths, bool could_serve) {
  if (quick_deaths < 2) return std::chrono::milliseconds{0};
  const std::chrono::milliseconds doubled{25 << std::min(quick_deaths, 7)};
  return std::min(could_serve ? kServingPauseMax : kPauseMax, doubled);
}

}  // namespace ecluse::gateway
