#pragma once
// ports::Outcomes in memory: a site whose requests are what a test says. Thread-safe.

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "ports/outcomes.h"

namespace ecluse::sim {

class OutcomesTwin final : public ports::Outcomes {
 public:
  /// Records are kept up to this many; older ones are lost to a reader who is late.
  static constexpr std::size_t kKeptMax = 100'000;

  /// A site is served, with this release on trial or none; another one on trial begins empty.
  void serve(const model::EnvironmentKey& key, std::optional<model::ReleaseNumber> on_trial);
  /// The first word of a request, or another of one that was told before; `outcome.arrival` of 0 is
  /// given the next number. Returns that number.
  /// Nothing is kept of a site without a release on trial.
  std::uint64_t record(const model::EnvironmentKey& key, ports::Outcome outcome);
  /// On the clock of arrivals.
  void set_now(std::uint64_t now_ms);
  std::uint64_t now_ms();
  /// The memory of the records is lost: a new epoch, counted from one.
  void forget_everything();
  /// While true nobody answers.
  void set_away(bool away);

  Result<ports::OutcomeBatch> read(const model::EnvironmentKey& key,
                                   const ports::OutcomeCursor& cursor, Duration patience) override;

 private:
  struct Site {
    std::optional<model::ReleaseNumber> on_trial;
    std::vector<ports::Outcome> records;
    std::vector<bool> urgent;  ///< an error of the release on trial
    std::uint64_t first = 0;   ///< position of records.front()
    std::uint64_t arrivals = 0;
  };
  ports::OutcomeBatch batch_from(const Site& site, const ports::OutcomeCursor& cursor,
                                 bool& urgent) const;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<model::EnvironmentKey, Site> sites_;
  std::uint64_t epoch_ = 1;
  std::uint64_t now_ms_ = 1;
  bool away_ = false;
};

}  // namespace ecluse::sim
