#include "metrics/traffic.h"

#include <fmt/format.h>

#include <functional>
#include <set>

#include "metrics/sketch.h"

namespace ecluse::metrics {

using ports::ReleaseMeasures;

namespace {
const std::set<double> kUsualBoundsUs{5e3,   10e3, 25e3,  50e3, 100e3, 250e3,
                                      500e3, 1e6,  2.5e6, 5e6,  10e6};

void write_histogram(Exposition& out, std::string_view name, const ReleaseMeasures& release) {
  std::set<double> bounds = kUsualBoundsUs;
  for (const Duration bound : release.latency_bounds) {
    bounds.insert(static_cast<double>(bound.count()) * 1000);
  }
  const std::string labels = labels_of(id_of(release));
  const auto bucket = [&](std::string_view le, std::uint64_t count) {
    out.part(name, "_bucket", fmt::format("{},le=\"{}\"", labels, le), static_cast<double>(count));
  };
  for (const double us : bounds) {
    bucket(fmt::format("{}", us / 1e6), count_up_to(release.latencies, us));
  }
  const std::uint64_t count = count_of(release.latencies);
  bucket("+Inf", count);
  out.part(name, "_sum", labels, static_cast<double>(release.latency_sum_us) / 1e6);
  out.part(name, "_count", labels, static_cast<double>(count));
}

struct CounterFamily {
  std::string_view name, help;
  std::uint64_t ports::ArmCounters::* count;
};
constexpr CounterFamily kCounters[] = {
    {"ecluse_requests", "Requests given to a release, each attempt.",
     &ports::ArmCounters::requests},
    {"ecluse_request_errors", "Requests the app answered with 5xx.",
     &ports::ArmCounters::errors_5xx},
    {"ecluse_request_failures",
     "Requests without a usable answer: refused, reset, truncated, too late.",
     &ports::ArmCounters::failures},
};
constexpr CounterFamily kGauges[] = {
    {"ecluse_requests_in_flight", "Requests under way, with WebSockets.",
     &ports::ArmCounters::in_flight},
    {"ecluse_websockets", "WebSockets that are open.", &ports::ArmCounters::websockets},
};
}  // namespace

ReleaseId id_of(const ReleaseMeasures& release) {
  return {release.environment, release.release};
}

void Traffic::hear(const ports::MeasureBatch& batch) {
  if (batch.is_whole) *this = {};
  for (const ReleaseMeasures& told : batch.releases) {
    ReleaseMeasures& known = releases[id_of(told)];
    std::map<std::uint32_t, std::uint64_t> latencies = std::move(known.latencies);
    for (const auto& [bucket, count] : told.latencies) latencies[bucket] = count;
    known = told;
    known.latencies = std::move(latencies);
  }
  for (const auto& [name, hits] : batch.bound_hits) bound_hits[name] = hits;
}

std::string labels_of(const ReleaseId& id) {
  return labels({{"app", id.first.app},
                 {"environment", id.first.environment},
                 {"release", fmt::format("{}", id.second)}});
}

void write(Exposition& out, const Traffic& traffic) {
  for (const CounterFamily& family : kCounters) {
    out.family(family.name, Type::kCounter, family.help);
    for (const auto& [id, release] : traffic.releases) {
      out.counter(family.name, labels_of(id), release.counters.*family.count);
    }
  }
  for (const CounterFamily& family : kGauges) {
    out.family(family.name, Type::kGauge, family.help);
    for (const auto& [id, release] : traffic.releases) {
      out.gauge(family.name, labels_of(id), release.counters.*family.count);
    }
  }
  constexpr std::string_view kDuration = "ecluse_request_duration_seconds";
  out.family(kDuration, Type::kHistogram,
             "From the head of a request to the last byte of its answer, of answers that ended.");
  for (const auto& [id, release] : traffic.releases) write_histogram(out, kDuration, release);
  out.family("ecluse_bound_hits", Type::kCounter, "How often a bound of the gateway was hit.");
  for (const auto& [name, hits] : traffic.bound_hits) {
    out.counter("ecluse_bound_hits", labels({{"bound", name}}), hits);
  }
}

}  // namespace ecluse::metrics
