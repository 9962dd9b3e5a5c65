#pragma once
// What is known of all releases' requests, as a reader of ports::Measurements puts it together, and
// as /metrics tells it.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "metrics/exposition.h"
#include "ports/measurements.h"

namespace ecluse::metrics {

using ReleaseId = std::pair<model::EnvironmentKey, model::ReleaseNumber>;
ReleaseId id_of(const ports::ReleaseMeasures& release);

struct Traffic {
  std::map<ReleaseId, ports::ReleaseMeasures> releases;
  std::map<std::string, std::uint64_t> bound_hits;

  /// Hearing a batch twice changes nothing.
  void hear(const ports::MeasureBatch& batch);
};

/// The labels app, environment and release.
std::string labels_of(const ReleaseId& id);
/// Families ecluse_requests, ecluse_request_errors, ... : docs/gateway.md. A histogram has a bucket
/// at each latency bound of its release beside the usual ones.
void write(Exposition& out, const Traffic& traffic);

}  // namespace ecluse::metrics
