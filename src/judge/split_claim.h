#pragma once
// The sample-ratio guard: "units are not assigned by the announced weight". Whether the canary is
// good cannot be learnt from arms that are filled by something else than chance.

#include <array>
#include <cstdint>

#include "judge/e_process.h"
#include "judge/ratio_claim.h"

namespace ecluse::judge {

class SplitClaim {
 public:
  /// A wrong alarm silences the relative tests, so it must be rarer than anything they claim.
  static constexpr double kAlarm = 10'000;

  SplitClaim();

  void add(Arm arm, double weight);
  double value() const { return evidence_.value(); }
  bool alarmed() const { return alarmed_; }

 private:
  static constexpr std::size_t kOdds = 6;
  EProcess<kOdds> evidence_;
  bool alarmed_ = false;
};

}  // namespace ecluse::judge
