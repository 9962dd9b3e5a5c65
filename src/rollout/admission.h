#pragma once
// Before a rollout starts: do both generations fit? Pure; the facts are arguments.

#include <cstdint>
#include <optional>
#include <string>

#include "model/spec.h"

namespace ecluse::rollout {

struct AdmissionFacts {
  std::uint64_t memory_bytes_available = 0;  ///< 0: unknown
  std::optional<std::uint32_t> database_connections_max;
};

struct Admission {
  model::Warm warm = model::Warm::kAll;
  std::string note;  ///< what will be done instead, and how long a rollback then takes; or empty
};

/// `next` beside `current` (null: nothing runs). Memory is counted by limits: what an instance may
/// take, not what it happens to take now.
Admission admit(const model::EnvironmentSpec& next, const model::EnvironmentSpec* current,
                const AdmissionFacts& facts);

}  // namespace ecluse::rollout
