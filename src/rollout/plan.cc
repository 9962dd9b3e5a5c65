#include "rollout/plan.h"

#include <algorithm>
#include <cmath>

namespace ecluse::rollout {

bool Plan::has_traffic() const {
  return std::ranges::any_of(processes, &ProcessPlan::traffic);
}

bool Plan::wants_backup() const {
  return std::ranges::any_of(jobs, &JobPlan::backup);
}

bool Plan::has_workers() const {
  return !std::ranges::all_of(processes, &ProcessPlan::traffic);
}

namespace {
constexpr Duration kPlainStartBudget = std::chrono::seconds(40);

std::vector<std::uint32_t> weights_of(const model::CanarySpec& canary) {
  std::vector<std::uint32_t> weights;
  for (const double weight : canary.weights) {
    const auto ppm = static_cast<std::uint32_t>(std::lround(weight * kWholePpm));
    const bool grows = weights.empty() || ppm > weights.back();
    if (ppm > 0 && ppm < kWholePpm && grows) weights.push_back(ppm);
  }
  weights.push_back(kWholePpm);
  return weights;
}

/// An instance is ready after its first success and `after - 1` more; the prober's own rhythm is
/// left room for.
Duration start_budget_of(const model::ProcessSpec& process) {
  if (!process.ready) return kPlainStartBudget;
  const auto& probe = *process.ready;
  return probe.start + probe.timeout + probe.interval * std::max(1, probe.after);
}
}  // namespace

Plan plan_of(const model::EnvironmentSpec& spec) {
  Plan plan;
  for (const auto& process : spec.processes) {
    plan.processes.push_back({process.name, process.instances, process.takes_traffic});
    if (!process.takes_traffic) continue;
    plan.start_budget = std::max(plan.start_budget, start_budget_of(process));
  }
  for (const auto& job : spec.release)
    plan.jobs.push_back({job.run, job.timeout, job.backup_before || !job.reversible, job.blocking});
  plan.weights_ppm = weights_of(spec.canary);
  plan.hold = spec.canary.hold;
  plan.drain = spec.drain;
  plan.bake = spec.bake;
  plan.warm = spec.warm;
  plan.inconclusive = spec.canary.inconclusive;
  plan.no_traffic = spec.canary.no_traffic;
  return plan;
}

}  // namespace ecluse::rollout
