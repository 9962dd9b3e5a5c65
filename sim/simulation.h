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

/// What the judge made of releases that were on trial before real visitors.
struct Trials {
  std::uint64_t good = 0;              ///< err no more than the release before them
  std::uint64_t good_rolled_back = 0;  ///< by the judge
  std::uint64_t bad = 0;               ///< half of their requests fail, and enough came
  std::uint64_t bad_missed = 0;        ///< no rollback was ruled
};

struct Outcome {
  std::uint64_t seed = 0;
  std::uint64_t rollouts = 0;  ///< that came to an end
  std::uint64_t crashes = 0;   ///< of the control plane
  std::uint64_t steps = 0;
  std::uint64_t trace_hash = 0;
  Trials trials;
  std::vector<Violation> violations;
  std::vector<std::string> trace;  ///< only when asked for
};

enum class Trace { kHash, kKeep };

/// `rollouts`: about how many are asked for in this life.
Outcome simulate(std::uint64_t seed, int rollouts, Trace trace);

}  // namespace ecluse::sim
