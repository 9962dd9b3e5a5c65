#pragma once
// What shared memory holds of each release's requests, put together over all threads: for /metrics,
// and as the control plane reads it.

#include <map>

#include "base/locked.h"
#include "gateway/shared_memory.h"
#include "metrics/ledger.h"
#include "ports/measurements.h"

namespace ecluse::gateway {

/// Thread-safe. Both outlive it.
class Meter final : public ports::Measurements {
 public:
  Meter(SharedMemory& memory, ports::Traffic& sites);

  Result<ports::MeasureBatch> read(const ports::MeasureCursor& cursor) override;
  /// As things stand.
  metrics::Traffic traffic();

 private:
  /// A sketch as it was read last: most releases have nothing new most of the time.
  struct Seen {
    metrics::ReleaseId id;
    std::uint64_t sum_us = 0;
    metrics::SketchCounts counts;
  };
  struct Books {
    std::map<std::uint32_t, Seen> seen;  ///< by slot
    metrics::Ledger ledger;
  };
  metrics::Traffic look(Books& books);
  ports::ReleaseMeasures measures_of(Books& books, const SharedMemory::Counted& counted);

  SharedMemory& memory_;
  ports::Traffic& sites_;
  Locked<Books> books_;
};

}  // namespace ecluse::gateway
