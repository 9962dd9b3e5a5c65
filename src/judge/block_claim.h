#pragma once
// Claim C: "the canary errs more often than the stable release", by 2x2 blocks: one canary unit
// together with the stable units since the last block (Turner, Ly, Gruenwald, arXiv 2106.02693).
//
// It needs no trust in the weight: within a block both arms saw the same minutes, and the factor
//   p(theta_c, y_c) p(theta_s, y_s) / p(theta_0, y_c, y_s),   theta_0 = (theta_c + n theta_s) / (1
//   + n)
// has mean at most one whenever the canary's rate is at most the stable one's. The block's size
// counts arrivals, never outcomes.

#include <array>
#include <cstdint>

#include "judge/e_process.h"
#include "judge/ratio_claim.h"

namespace ecluse::judge {

class BlockClaim {
 public:
  /// Stable units of one block beyond this are left out of it: they would add next to nothing.
  static constexpr std::uint32_t kStableUnitsMax = 64;

  BlockClaim();

  void add(Arm arm, bool bad);
  double value() const { return evidence_.value(); }

 private:
  static constexpr std::size_t kPairs = 9;
  /// Logarithms of the four ratios that a block's outcomes multiply.
  struct Factors {
    double canary_bad, canary_good, stable_bad, stable_good;
  };
  static Factors factors_of(std::size_t pair, std::uint32_t stable_units);

  EProcess<kPairs> evidence_;
  std::uint32_t stable_units_ = 0;
  std::uint32_t stable_bad_ = 0;
};

}  // namespace ecluse::judge
