#pragma once
// What /metrics says, in the two texts that Prometheus reads.

#include <string>
#include <vector>

#include "gateway/measures.h"
#include "gateway/shared_memory.h"

namespace ecluse::gateway {

enum class MetricsForm : std::uint8_t {
  kPrometheus,   ///< text/plain; version=0.0.4
  kOpenMetrics,  ///< application/openmetrics-text; version=1.0.0
};
/// The form that an Accept field asks for.
MetricsForm form_for(std::string_view accept);
std::string_view content_type_of(MetricsForm form);

/// Releases that had traffic, with their site's latency bounds (microseconds) beside the standard
/// ones, and all bounds that may be hit.
struct MeasuredRelease {
  std::string site;
  model::ReleaseNumber release = 0;
  ports::ArmCounters counters;
  Sketch latencies;
  std::vector<double> bounds_us;  ///< of the buckets; ascending, without the standard ones
};
struct MeasuredGateway {
  std::vector<MeasuredRelease> releases;
  std::vector<std::pair<std::string, std::uint64_t>> bound_hits;  ///< by name
};
std::string metrics_text(const MeasuredGateway& measured, MetricsForm form);

}  // namespace ecluse::gateway
