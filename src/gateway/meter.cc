#include "gateway/meter.h"

#include <fmt/format.h>
#include <sodium.h>

#include "base/log.h"

namespace ecluse::gateway {

namespace {
/// Each worker process begins with a ledger of its own: readers hear all once more, and since all
/// numbers are whole, none counts twice.
std::string random_epoch() {
  return fmt::format("{:08x}{:08x}", randombytes_random(), randombytes_random());
}
}  // namespace

Meter::Meter(SharedMemory& memory, ports::Traffic& sites)
    : memory_(memory),
      sites_(sites),
      books_(Books{.seen = {}, .ledger = metrics::Ledger(random_epoch)}) {}

Result<ports::MeasureBatch> Meter::read(const ports::MeasureCursor& cursor) {
  return books_.with([&](Books& books) { return books.ledger.read(cursor, look(books)); });
}

metrics::Traffic Meter::traffic() {
  return books_.with([&](Books& books) { return look(books); });
}

ports::ReleaseMeasures Meter::measures_of(Books& books, const SharedMemory::Counted& counted) {
  const metrics::ReleaseId id{counted.site, counted.release};
  Seen& seen = books.seen[counted.slot];
  // Before the buckets: what comes in between is read now and once more.
  const std::uint64_t sum_us = memory_.measures().latency_sum_us(counted.slot);
  if (seen.id != id || seen.sum_us != sum_us) {
    seen = {id, sum_us, memory_.measures().latencies(counted.slot)};
  }
  return {.environment = counted.site,
          .release = counted.release,
          .counters = counted.counters,
          .latencies = seen.counts,
          .latency_sum_us = sum_us};
}

metrics::Traffic Meter::look(Books& books) {
  metrics::Traffic traffic;
  for (const SharedMemory::Counted& counted : memory_.all_counters()) {
    // Its sketch was never written: reading would make the pages resident.
    if (counted.counters.requests == 0) continue;
    traffic.releases[{counted.site, counted.release}] = measures_of(books, counted);
  }
  const auto sites = sites_.sites();
  if (!sites)
    log_error("the latency bounds of sites are missing in /metrics: {}", sites.error().message);
  for (const ports::Site& site : sites.value_or(std::vector<ports::Site>())) {
    for (const ports::Arm& arm : site.arms) {
      const auto found = traffic.releases.find({site.key, arm.release});
      if (found != traffic.releases.end()) found->second.latency_bounds = site.latency_bounds;
    }
  }
  for (const BoundName& bound : bound_names()) {
    traffic.bound_hits[std::string(bound.name)] = memory_.measures().hits(bound.member);
  }
  for (const RefusalName& known : kRefusalNames) {
    traffic.bound_hits[std::string(known.name)] = memory_.measures().hits(known.refusal);
  }
  return traffic;
}

}  // namespace ecluse::gateway
