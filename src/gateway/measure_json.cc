#include "gateway/measure_json.h"

#include <nlohmann/json.hpp>

#include "gateway/site_json.h"

namespace ecluse::gateway {

namespace {
using nlohmann::json;
using ports::MeasureBatch;
using ports::MeasureCursor;
using ports::ReleaseMeasures;

/// Bucket and count in turns: half as long as pairs.
json flat(const std::map<std::uint32_t, std::uint64_t>& counts) {
  json list = json::array();
  for (const auto& [bucket, count] : counts) {
    list.push_back(bucket);
    list.push_back(count);
  }
  return list;
}
std::map<std::uint32_t, std::uint64_t> counts_from(const json& list) {
  std::map<std::uint32_t, std::uint64_t> counts;
  for (std::size_t i = 0; i < list.size(); i += 2) counts[list.at(i)] = list.at(i + 1);
  return counts;
}

json record(const ReleaseMeasures& release) {
  json bounds_ms = json::array();
  for (const Duration bound : release.latency_bounds) bounds_ms.push_back(bound.count());
  json all = to_json(release.counters);
  all["app"] = release.environment.app;
  all["environment"] = release.environment.environment;
  all["release"] = release.release;
  all["latencies"] = flat(release.latencies);
  all["latency_sum_us"] = release.latency_sum_us;
  all["latency_bounds_ms"] = std::move(bounds_ms);
  return all;
}

ReleaseMeasures release_of(const json& j) {
  ReleaseMeasures release{.environment = key_from_json(j),
                          .release = j.at("release"),
                          .counters = arm_counters_from_json(j),
                          .latencies = counts_from(j.at("latencies")),
                          .latency_sum_us = j.at("latency_sum_us")};
  for (const json& bound : j.at("latency_bounds_ms")) {
    release.latency_bounds.emplace_back(bound.get<Duration::rep>());
  }
  return release;
}
}  // namespace

json to_json(const MeasureCursor& cursor) {
  return {{"epoch", cursor.epoch}, {"version", cursor.version}};
}
MeasureCursor measure_cursor_from_json(const json& j) {
  return {j.value("epoch", ""), j.value("version", std::uint64_t{0})};
}

json to_json(const MeasureBatch& batch) {
  json releases = json::array();
  for (const ReleaseMeasures& release : batch.releases) releases.push_back(record(release));
  return {{"next", to_json(batch.next)},
          {"whole", batch.is_whole},
          {"releases", std::move(releases)},
          {"bound_hits", batch.bound_hits}};
}

MeasureBatch measure_batch_from_json(const json& j) {
  MeasureBatch batch{.next = measure_cursor_from_json(j.at("next")), .is_whole = j.at("whole")};
  for (const json& release : j.at("releases")) batch.releases.push_back(release_of(release));
  j.at("bound_hits").get_to(batch.bound_hits);
  return batch;
}

}  // namespace ecluse::gateway
