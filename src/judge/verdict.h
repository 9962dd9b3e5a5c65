#pragma once
// What the judge says, with everything that shows why.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "judge/claims.h"
#include "judge/interval.h"

namespace ecluse::judge {

struct ArmCount {
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  bool operator==(const ArmCount&) const = default;
};

struct Tally {
  std::uint64_t events = 0;
  ArmCount canary;
  ArmCount stable;
  std::uint64_t thinned = 0;  ///< requests nobody told of, because there were too many a second
  bool operator==(const Tally&) const = default;
};

struct Evidence {
  std::string claim;        ///< "errors > 5%", "not 3x worse than stable"
  double e_value = 1;       ///< how far the data speak for the claim
  double threshold = 0;     ///< the e-value at which it alone decides
  std::uint64_t units = 0;  ///< of the canary that entered the test; of comparisons: its requests
  std::uint64_t bad = 0;
};

struct Verdict {
  Ruling ruling = Ruling::kInconclusive;
  std::uint64_t at_event = 0;  ///< counts from 1
  ArmCount canary;
  ArmCount stable;
  double e_value = 0;     ///< of all objectives together, that one is broken
  double threshold = 0;   ///< at which it rolls back
  std::string objective;  ///< what decided; empty when nothing did
  std::string reason;     ///< one sentence for people
  std::vector<Evidence> evidence;
  Interval error_difference;  ///< canary minus stable, 95 %
};

Verdict verdict_of(Ruling ruling, const Claims& claims, const Tally& tally);

std::string_view to_string(Ruling ruling);
/// "not 3x worse than stable"
std::string harmless_claim(const Objectives& objectives);

}  // namespace ecluse::judge
