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

  void add(Arm arm, bool bad) {
    if (arm == Arm::kCanary) return close_block(bad);
    if (stable_units_ == kStableUnitsMax) return;
    stable_units_ += 1;
    stable_bad_ += bad ? 1 : 0;
  }
  double value() const { return evidence_.value(); }

  template <typename Visit>
  void each_number(Visit&& visit) {
    evidence_.each_number(visit);
    visit(stable_units_);
    visit(stable_bad_);
  }

 private:
  static constexpr std::size_t kPairs = 9;
  void close_block(bool canary_bad);

  EProcess<kPairs> evidence_;
  std::uint64_t stable_units_ = 0;
  std::uint64_t stable_bad_ = 0;
};

}  // namespace ecluse::judge
