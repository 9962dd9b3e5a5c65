#include "control/metrics_text.h"

namespace ecluse::control {

using metrics::Exposition;
using metrics::labels;
using metrics::Type;

namespace {
void write_instances(Exposition& out, const PlatformMeasures& measures) {
  out.family("ecluse_instances", Type::kGauge, "Instances of a release.");
  for (const auto& [id, count] : measures.instances)
    out.gauge("ecluse_instances", metrics::labels_of(id), count.all);
  out.family("ecluse_instances_ready", Type::kGauge, "Those of them that are ready for traffic.");
  for (const auto& [id, count] : measures.instances)
    out.gauge("ecluse_instances_ready", metrics::labels_of(id), count.ready);
}

void write_rollouts(Exposition& out, const PlatformMeasures& measures) {
  out.family("ecluse_rollouts", Type::kCounter,
             "Rollouts that ended since the control plane started, by how.");
  for (const auto& [key, endings] : measures.rollouts) {
    for (const auto& [outcome, count] : endings) {
      out.counter(
          "ecluse_rollouts",
          labels({{"app", key.app}, {"environment", key.environment}, {"outcome", outcome}}),
          count);
    }
  }
}
}  // namespace

std::string text_of(const PlatformMeasures& measures, metrics::Form form) {
  Exposition out(form);
  write(out, measures.traffic);
  write_instances(out, measures);
  write_rollouts(out, measures);
  out.family("ecluse_gateway_up", Type::kGauge,
             "Whether the gateway answers; if not, its numbers are as it told them last.");
  out.gauge("ecluse_gateway_up", "", measures.gateway_answers ? 1 : 0);
  out.family("ecluse_build_info", Type::kGauge, "The running version, as a label.");
  out.gauge("ecluse_build_info", labels({{"version", ECLUSE_VERSION}}), 1);
  return out.finish();
}

}  // namespace ecluse::control
