#pragma once
// The users of simulated sites, and what the gateway would have recorded of their requests: they
// come in a Poisson stream, go to releases as the gateway's twin weighs them just then, and fare as
// each release does. What happened since the last look is made up at the next.

#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "base/prng.h"
#include "ports/outcomes.h"
#include "sim/twins/faults.h"
#include "sim/twins/scheduler.h"
#include "sim/twins/traffic.h"

namespace ecluse::sim {

class Visitors final : public ports::Outcomes {
 public:
  /// Requests of one site between two looks: more are left out.
  static constexpr std::uint64_t kAtOnceMax = 400;

  Visitors(Scheduler& scheduler, const TwinTraffic& traffic, Prng& prng)
      : scheduler_(scheduler), traffic_(traffic), prng_(prng) {}

  Result<ports::OutcomeBatch> read(const model::EnvironmentKey& key,
                                   const ports::OutcomeCursor& cursor, Duration patience) override;
  /// The gateway's memory is gone, and who knew how the open requests ended.
  void forget_everything();

  struct Count {
    std::uint64_t on_trial = 0;
    std::uint64_t others = 0;
    bool operator==(const Count&) const = default;
  };
  /// Requests that arrived in the records before `cursor`; nothing when those are not there any
  /// more, or the trial has lived through a loss of memory.
  std::optional<Count> before(const model::EnvironmentKey& key,
                              const ports::OutcomeCursor& cursor) const;

  double per_second = 0;
  /// Of the requests to a release, those that fail.
  std::function<double(const model::EnvironmentKey&, model::ReleaseNumber)> error_share;
  Faults faults;

 private:
  struct Site {
    model::ReleaseNumber on_trial = 0;
    bool is_whole = true;  ///< since the trial began nothing was forgotten
    TimePoint looked_at;
    std::uint64_t arrivals = 0;
    std::deque<ports::Outcome> records;
    std::multimap<TimePoint, ports::Outcome> open;
  };
  void come(const ports::Site& where, Site& site);
  void request(const ports::Site& where, Site& site, TimePoint at);
  void settle(Site& site);
  std::string epoch() const { return std::to_string(memory_); }

  Scheduler& scheduler_;
  const TwinTraffic& traffic_;
  Prng& prng_;
  std::uint64_t memory_ = 1;
  std::map<model::EnvironmentKey, Site> sites_;
};

}  // namespace ecluse::sim
