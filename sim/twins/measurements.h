#pragma once
// ports::Measurements in memory: requests are what a test says. Thread-safe.

#include <cstdint>
#include <map>
#include <string>

#include "base/locked.h"
#include "ports/measurements.h"

namespace ecluse::sim {

/// Tells all of a release of which anything changed: more than it must, but simply right.
class MeasurementsTwin final : public ports::Measurements {
 public:
  /// One request that was answered, with its latency in bucket `bucket`.
  void answer(const model::EnvironmentKey& key, model::ReleaseNumber release,
              std::uint32_t bucket = 400);
  void hit(const std::string& bound);
  /// A worker process died: another epoch of the same counts.
  void begin_epoch();
  /// The gateway's memory is lost.
  void forget_everything();
  /// While true nobody answers.
  void set_away(bool away);

  Result<ports::MeasureBatch> read(const ports::MeasureCursor& cursor) override;

 private:
  struct Told {
    ports::ReleaseMeasures measures;
    std::uint64_t changed = 0;
  };
  struct Bound {
    std::uint64_t hits = 0;
    std::uint64_t changed = 0;
  };
  struct Memory {
    std::uint64_t epoch = 1;
    std::uint64_t version = 0;
    std::map<std::pair<model::EnvironmentKey, model::ReleaseNumber>, Told> releases;
    std::map<std::string, Bound> bounds;
    bool away = false;
  };
  Locked<Memory> memory_;
};

}  // namespace ecluse::sim
