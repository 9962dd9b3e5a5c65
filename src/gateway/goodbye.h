#pragma once
// When a WebSocket hears that its release, or the gateway, leaves.

#include <algorithm>
#include <cstdint>

#include "base/prng.h"

namespace ecluse::gateway {

inline constexpr std::uint64_t kGoodbyeSpreadMsMax = 2000;

/// Milliseconds from now: `budget_ms`, and up to a tenth of it more. Those who are told to come
/// back do come back, and all at once would be a load of its own.
inline std::uint64_t goodbye_after_ms(std::uint64_t budget_ms, Prng& prng) {
  return budget_ms + prng.below(std::min(budget_ms / 10, kGoodbyeSpreadMsMax) + 1);
}

}  // namespace ecluse::gateway
