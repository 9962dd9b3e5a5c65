#pragma once
// What GET /metrics says: the requests of all releases, and the platform's own few families.

#include <cstdint>
#include <map>
#include <string>

#include "metrics/traffic.h"

namespace ecluse::control {

struct PlatformMeasures {
  bool gateway_answers = false;  ///< not: `traffic` is as it was told last
  metrics::Traffic traffic;
  struct Instances {
    std::uint64_t ready = 0;
    std::uint64_t all = 0;
  };
  std::map<metrics::ReleaseId, Instances> instances;
  /// Rollouts that ended since the control plane started, by how: "done", "aborted", ...
  std::map<model::EnvironmentKey, std::map<std::string, std::uint64_t>> rollouts;
};

/// docs/api.md lists the families.
std::string text_of(const PlatformMeasures& measures, metrics::Form form);

}  // namespace ecluse::control
