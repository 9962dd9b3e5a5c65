#pragma once
// Reads once a second what the gateway counted, on a thread of its own: it decides nothing, so the
// thread of steps has no part in it.

#include <deque>
#include <map>
#include <thread>

#include "base/locked.h"
#include "control/operations.h"
#include "metrics/sketch.h"
#include "metrics/traffic.h"
#include "ports/measurements.h"

namespace ecluse::control {

/// What the gateway said so far, and how it stood in the last minutes. The gateway's memory is the
/// truth and this a copy: nothing is added over its lives or stored, so that neither's crash can
/// count a request twice; after a gateway's end its counters begin at zero, which Prometheus knows.
class Measured {
 public:
  static constexpr Duration kLookBack = std::chrono::minutes(5);
  static constexpr Duration kMarkEvery = std::chrono::minutes(1);

  /// `at` is of any clock that does not go back.
  void hear(const ports::MeasureBatch& batch, Duration at);
  const metrics::Traffic& traffic() const { return traffic_; }
  const ports::MeasureCursor& cursor() const { return cursor_; }
  /// Releases of an environment that answered something lately.
  std::map<model::ReleaseNumber, LatencyView> latencies(const model::EnvironmentKey& key,
                                                        Duration at) const;

 private:
  struct Mark {
    Duration at{};
    std::map<metrics::ReleaseId, metrics::SketchCounts> latencies;
  };
  void mark(Duration at);

  metrics::Traffic traffic_;
  ports::MeasureCursor cursor_;
  std::deque<Mark> marks_;  ///< the oldest is the last one that is kLookBack old, or the first
};

/// Thread-safe.
class Measuring {
 public:
  static constexpr Duration kEvery = std::chrono::seconds(1);

  /// `measurements` may be null: nothing is known then. It outlives this.
  explicit Measuring(ports::Measurements* measurements);
  ~Measuring();
  Measuring(const Measuring&) = delete;
  Measuring& operator=(const Measuring&) = delete;

  struct Standing {
    bool gateway_answers = false;
    metrics::Traffic traffic;
  };
  Standing standing() const;
  std::map<model::ReleaseNumber, LatencyView> latencies(const model::EnvironmentKey& key) const;

 private:
  struct Desk {
    Measured measured;
    bool gateway_answers = false;
    bool ends = false;
  };
  void run();
  void read_once();

  ports::Measurements* measurements_;
  Locked<Desk> desk_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace ecluse::control
