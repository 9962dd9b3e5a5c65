#include "rollout/admission.h"

#include <fmt/format.h>

#include <algorithm>

namespace ecluse::rollout {

namespace {
/// What one instance holds open in a pool, when nobody says otherwise: the usual default of ORMs.
constexpr std::uint32_t kConnectionsPerInstance = 5;
/// PostgreSQL keeps some for its superuser; release jobs and consoles need some as well.
constexpr std::uint32_t kConnectionsReserved = 10;

std::uint64_t memory_of(const model::EnvironmentSpec& spec, bool traffic_only) {
  std::uint64_t sum = 0;
  for (const auto& process : spec.processes)
    if (process.takes_traffic || !traffic_only)
      sum += process.limits.memory_bytes_max * static_cast<std::uint64_t>(process.instances);
  return sum;
}

std::uint32_t connections_of(const model::EnvironmentSpec& spec) {
  std::uint32_t instances = 0;
  for (const auto& process : spec.processes)
    instances += static_cast<std::uint32_t>(std::max(0, process.instances));
  return instances * kConnectionsPerInstance;
}

std::string mib(std::uint64_t bytes) {
  return fmt::format("{} MiB", bytes >> 20);
}

Duration cold_start_of(const model::EnvironmentSpec& spec) {
  Duration longest{};
  for (const auto& process : spec.processes)
    if (process.takes_traffic && process.ready) longest = std::max(longest, process.ready->start);
  return longest;
}

Admission without_warm(const model::EnvironmentSpec& current, std::string why) {
  return {model::Warm::kNone,
          fmt::format("warm: none, because {}; a rollback then starts the old release again, up to "
                      "{} instead of milliseconds",
                      why, ecluse::to_string(cold_start_of(current)))};
}
}  // namespace

Admission admit(const model::EnvironmentSpec& next, const model::EnvironmentSpec* current,
                const AdmissionFacts& facts) {
  if (current == nullptr) return {next.warm, {}};
  const auto needed = memory_of(next, true);
  if (facts.memory_bytes_available != 0 && needed > facts.memory_bytes_available)
    return without_warm(*current, fmt::format("the new generation may take {} and {} are free",
                                              mib(needed), mib(facts.memory_bytes_available)));
  const auto connections = connections_of(next) + connections_of(*current);
  if (facts.database_connections_max &&
      connections + kConnectionsReserved > *facts.database_connections_max)
    return without_warm(*current, fmt::format("both generations may hold {} database connections "
                                              "and the server allows {}",
                                              connections, *facts.database_connections_max));
  return {next.warm, {}};
}

}  // namespace ecluse::rollout
