#include "judge/share_claim.h"

#include <cassert>
#include <cmath>

namespace ecluse::judge {

namespace {
// Where between p0 and 1 the bets stand, on the scale of log odds above p0. The first three watch
// for what is barely too much, the last for a release that fails nearly always; the middle ones
// carry most of the stake because ten or twenty times too many errors is what bad releases have.
constexpr std::array<double, 10> kLogOddsAbove = {0.12, 0.25, 0.5, 0.9, 1.4,
                                                  2.0,  2.6,  3.2, 4.2, 6.0};
constexpr std::array<double, 10> kShares = {0.04, 0.04, 0.05, 0.07, 0.09,
                                            0.10, 0.14, 0.24, 0.19, 0.04};

double rate_above(double share_max, double log_odds) {
  const double odds = share_max / (1 - share_max) * std::exp(log_odds);
  return odds / (1 + odds);
}
}  // namespace

ShareClaim::ShareClaim(double share_max) : evidence_(kShares) {
  assert(share_max > 0 && share_max < 1);
  for (std::size_t j = 0; j < kRates; ++j) {
    const double rate = rate_above(share_max, kLogOddsAbove[j]);
    bad_factor_[j] = rate / share_max;
    good_factor_[j] = (1 - rate) / (1 - share_max);
  }
}

void ShareClaim::add(bool bad) {
  units_ += 1;
  bad_ += bad ? 1 : 0;
  const auto& factor = bad ? bad_factor_ : good_factor_;
  evidence_.bet([&](std::size_t j) { return factor[j]; });
}

}  // namespace ecluse::judge
