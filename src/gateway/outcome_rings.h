#pragma once
// The rings of all sites on trial: a region of the keeper's shared memory, and which ring is whose.

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway/outcome_ring.h"

namespace ecluse::gateway {

using TrialId = std::uint32_t;
inline constexpr TrialId kNoTrial = ~TrialId{0};

/// Thread-safe. Pages of a ring that nobody wrote are not resident.
class OutcomeRings {
 public:
  static constexpr std::size_t kTrialsMax = 32;

  static std::size_t bytes();
  /// Once, by whoever made the memory: an epoch and a key that nobody else has.
  static Result<void> prepare(int fd, std::int64_t offset);
  /// Invalid: another layout.
  static Result<OutcomeRings> map(int fd, std::int64_t offset);
  OutcomeRings(OutcomeRings&& other) noexcept;
  OutcomeRings& operator=(OutcomeRings&&) = delete;
  ~OutcomeRings();

  /// The ring of `site`, for the trial of `release`; a new trial begins empty. Takes the ring of a
  /// site that is not among `on_trial` when all are taken. Exhausted: kTrialsMax are on trial.
  Result<TrialId> begin(const std::string& site, model::ReleaseNumber release,
                        const std::set<std::string>& on_trial);
  /// Nothing of `site` is on trial any more: readers see no records until the next trial begins,
  /// also when that is of the same release.
  void end(std::string_view site);
  /// The ring of a site that is or was on trial.
  std::optional<TrialId> find(std::string_view site) const;
  OutcomeRing& ring(TrialId id);
  const OutcomeRing& ring(TrialId id) const;

  std::string epoch() const;
  /// Keyed, so that a record says nothing of who somebody is. Never 0.
  std::uint64_t hash_of(std::string_view client) const;
  /// Once, by a process that is alone with the memory.
  void settle_orphans(std::uint64_t now_ms);

 private:
  struct Layout;
  explicit OutcomeRings(void* mapping) : mapping_(mapping) {}
  Layout& layout() const { return *static_cast<Layout*>(mapping_); }
  std::optional<TrialId> find_locked(std::string_view site) const;
  std::optional<TrialId> free_ring(const std::set<std::string>& on_trial) const;

  mutable std::mutex names_;
  void* mapping_ = nullptr;
};

}  // namespace ecluse::gateway
