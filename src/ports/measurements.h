#pragma once
// What the gateway counted of each release's requests, for people and for Prometheus. The judge has
// outcomes.h: no sketch may decide.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/key.h"
#include "ports/traffic.h"

namespace ecluse::ports {

/// One release since the gateway's memory began.
struct ReleaseMeasures {
  model::EnvironmentKey environment;
  model::ReleaseNumber release = 0;
  ArmCounters counters;
  /// Of answers that ended, from head to last byte: how many fell into each bucket of
  /// metrics/sketch.h, and the sum of all.
  std::map<std::uint32_t, std::uint64_t> latencies;
  std::uint64_t latency_sum_us = 0;
  std::vector<Duration> latency_bounds;  ///< as Site::latency_bounds
  bool operator==(const ReleaseMeasures&) const = default;
};

/// Where a reader stands. A default one knows nothing.
struct MeasureCursor {
  std::string epoch;
  std::uint64_t version = 0;
  bool operator==(const MeasureCursor&) const = default;
};

/// What changed since a cursor. Every number is the whole count and takes the place of the one that
/// was known, so that an answer which is lost, or heard twice, counts nothing twice.
struct MeasureBatch {
  MeasureCursor next;
  bool is_whole = false;  ///< the reader's epoch is over: all that it knew is to be forgotten
  std::vector<ReleaseMeasures> releases;  ///< those that changed, of their buckets those that did
  std::map<std::string, std::uint64_t> bound_hits;  ///< those that changed, by the bound's name
};

/// Thread-safe.
class Measurements {
 public:
  virtual ~Measurements() = default;

  /// Returns at once. Releases that never had a request are not told of. Within an epoch no release
  /// vanishes and no count falls, but for what is in flight. Unavailable: the gateway does not
  /// answer; ask again with the same cursor.
  virtual Result<MeasureBatch> read(const MeasureCursor& cursor) = 0;
};

}  // namespace ecluse::ports
