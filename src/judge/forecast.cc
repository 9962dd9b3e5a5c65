#include "judge/forecast.h"

#include <algorithm>
#include <cmath>

namespace ecluse::judge {

std::optional<std::uint64_t> requests_to_promotion(const Claims& claims, const Tally& tally,
                                                   double weight) {
  const double requests = static_cast<double>(tally.canary.requests + tally.stable.requests);
  const double errors = static_cast<double>(tally.canary.errors + tally.stable.errors);
  if (errors == 0 || weight <= 0 || weight >= 1) return std::nullopt;
  const double missing = std::log(claims.promote_at() / std::max(claims.harmless(), 1e-9));
  if (missing <= 0) return 0;
  // Each error is worth the divergence between "as good as stable" and "max_ratio times as bad".
  const double ratio = claims.objectives().max_ratio;
  const double if_bad = weight * ratio / (weight * ratio + 1 - weight);
  const double worth =
      weight * std::log(weight / if_bad) + (1 - weight) * std::log((1 - weight) / (1 - if_bad));
  const double errors_per_canary_request = errors / requests / weight;
  return static_cast<std::uint64_t>(std::ceil(missing / worth / errors_per_canary_request));
}

}  // namespace ecluse::judge
