#pragma once
// What the machine must know of a release to move an environment to it: a few figures of its spec,
// so that the machine's state is small and a step never reads anything.

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/spec.h"

namespace ecluse::rollout {

constexpr std::uint32_t kWholePpm = 1'000'000;

struct ProcessPlan {
  std::string name;
  int instances = 1;
  bool traffic = false;
  bool operator==(const ProcessPlan&) const = default;
};

struct JobPlan {
  std::string command;  ///< for people
  Duration timeout{};
  bool backup = false;    ///< a proven backup comes first
  bool blocking = false;  ///< requests wait while it runs
  bool operator==(const JobPlan&) const = default;
};

struct Plan {
  std::vector<ProcessPlan> processes;
  std::vector<JobPlan> jobs;
  std::vector<std::uint32_t> weights_ppm;  ///< growing; the last is always the whole
  Duration hold{};                         ///< at each weight below the whole
  Duration start_budget{};                 ///< until every instance must be ready
  Duration drain{};
  Duration bake{};
  model::Warm warm = model::Warm::kAll;
  bool examine = false;  ///< nobody has looked at this artifact as it runs
  model::Inconclusive inconclusive = model::Inconclusive::kPromote;
  model::NoTraffic no_traffic = model::NoTraffic::kHold;
  bool operator==(const Plan&) const = default;

  bool has_traffic() const;
  bool has_workers() const;
  bool wants_backup() const;
};

/// The plan of `spec`. Weights are cut to (0, 1], made growing, and end with the whole.
Plan plan_of(const model::EnvironmentSpec& spec);

}  // namespace ecluse::rollout
