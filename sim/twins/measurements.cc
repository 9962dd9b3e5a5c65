#include "sim/twins/measurements.h"

namespace ecluse::sim {

void MeasurementsTwin::answer(const model::EnvironmentKey& key, model::ReleaseNumber release,
                              std::uint32_t bucket) {
  memory_.with([&](Memory& memory) {
    Told& told = memory.releases[{key, release}];
    told.measures.environment = key;
    told.measures.release = release;
    told.measures.counters.requests += 1;
    told.measures.latencies[bucket] += 1;
    told.measures.latency_sum_us += bucket;
    told.changed = ++memory.version;
  });
}

void MeasurementsTwin::hit(const std::string& bound) {
  memory_.with([&](Memory& memory) {
    memory.bounds[bound].hits += 1;
    memory.bounds[bound].changed = ++memory.version;
  });
}

void MeasurementsTwin::begin_epoch() {
  memory_.with([](Memory& memory) { memory.epoch += 1; });
}

void MeasurementsTwin::forget_everything() {
  memory_.with([](Memory& memory) { memory = Memory{.epoch = memory.epoch + 1}; });
}

void MeasurementsTwin::set_away(bool away) {
  memory_.with([&](Memory& memory) { memory.away = away; });
}

Result<ports::MeasureBatch> MeasurementsTwin::read(const ports::MeasureCursor& cursor) {
  return memory_.with([&](const Memory& memory) -> Result<ports::MeasureBatch> {
    if (memory.away) return fail(ErrorKind::kUnavailable, "the gateway does not answer");
    const std::string epoch = std::to_string(memory.epoch);
    ports::MeasureBatch batch{.next = {epoch, memory.version}, .is_whole = cursor.epoch != epoch};
    const std::uint64_t known = batch.is_whole ? 0 : cursor.version;
    for (const auto& [id, told] : memory.releases)
      if (told.changed > known) batch.releases.push_back(told.measures);
    for (const auto& [name, bound] : memory.bounds)
      if (bound.changed > known) batch.bound_hits[name] = bound.hits;
    return batch;
  });
}

}  // namespace ecluse::sim
