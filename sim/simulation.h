#pragma once
// One seed's life of a machine: operators, releases good and bad, faults, crashes; checked against
// the invariants at every step. Same seed, same trace, to the byte.

#include <cstdint>
#include <string>
#include <vector>

namespace ecluse::sim {

struct Violation {
  std::string invariant;  ///< "2 warm until the bake is over"
  std::string message;
};

struct Outcome {
  std::uint64_t seed = 0;
  std::uint64_t rollouts = 0;  ///< that came to an end
  std::uint64_t crashes = 0;   ///< of the control plane
  std::uint64_t steps = 0;
  std::uint64_t trace_hash = 0;
  std::vector<Violation> violations;
  std::vector<std::string> trace;  ///< only when asked for
};

enum class Trace { kHash, kKeep };

/// `rollouts`: about how many are asked for in this life.
Outcome simulate(std::uint64_t seed, int rollouts, Trace trace);

}  // namespace ecluse::sim
