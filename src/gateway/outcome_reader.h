#pragma once
// ports::Outcomes inside the worker process: reads the rings, and waits for the bell.

#include <atomic>
#include <functional>
#include <optional>

#include "gateway/outcome_bell.h"
#include "gateway/outcome_rings.h"
#include "ports/outcomes.h"
#include "ports/traffic.h"

namespace ecluse::gateway {

/// Thread-safe; each call blocks its own thread. `rings` and `bell` outlive it.
class OutcomeReader final : public ports::Outcomes {
 public:
  /// What is served now for a key; nothing: no such site.
  using SiteOf = std::function<std::optional<ports::Site>(const model::EnvironmentKey&)>;
  OutcomeReader(const OutcomeRings& rings, OutcomeBell& bell, SiteOf site_of);

  Result<ports::OutcomeBatch> read(const model::EnvironmentKey& key,
                                   const ports::OutcomeCursor& cursor, Duration patience) override;
  /// All calls return soon, with what there is.
  void stop();

 private:
  Result<ports::OutcomeBatch> collect(const model::EnvironmentKey& key,
                                      const ports::OutcomeCursor& cursor) const;

  const OutcomeRings& rings_;
  OutcomeBell& bell_;
  const SiteOf site_of_;
  std::atomic<bool> is_stopped_{false};
};

}  // namespace ecluse::gateway
