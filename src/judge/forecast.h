#pragma once
#include <cstdint>
#include <optional>

#include "judge/verdict.h"

namespace ecluse::judge {

/// About how many more canary requests the proof takes that the canary is not max_ratio times
/// worse, if it is as good as stable and errors go on as they did. Nothing when no error came yet
/// (without errors nothing is ever proven of them) or nothing can be compared (`weight` 0 or 1).
std::optional<std::uint64_t> requests_to_promotion(const Claims& claims, const Tally& tally,
                                                   double weight);

}  // namespace ecluse::judge
