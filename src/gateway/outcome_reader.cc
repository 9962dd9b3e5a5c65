#include "gateway/outcome_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace ecluse::gateway {

namespace {
using Clock = std::chrono::steady_clock;
using ports::Outcome;
using ports::OutcomeBatch;

/// A full batch is found at the latest after this: only errors ring.
constexpr std::chrono::milliseconds kLookAgain{50};

std::uint64_t now_ms() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<Duration>(Clock::now().time_since_epoch()).count());
}

bool is_urgent(const OutcomeBatch& batch, model::ReleaseNumber on_trial) {
  return std::ranges::any_of(batch.outcomes, [&](const Outcome& outcome) {
    return outcome.release == on_trial && !outcome.probe &&
           (outcome.state == Outcome::State::kError || outcome.state == Outcome::State::kCrashed);
  });
}
}  // namespace

OutcomeReader::OutcomeReader(const OutcomeRings& rings, OutcomeBell& bell, SiteOf site_of)
    : rings_(rings), bell_(bell), site_of_(std::move(site_of)) {}

void OutcomeReader::stop() {
  is_stopped_.store(true);
  bell_.ring();
}

Result<OutcomeBatch> OutcomeReader::collect(const model::EnvironmentKey& key,
                                            const ports::OutcomeCursor& cursor) const {
  const std::string site = to_string(key);
  OutcomeBatch batch{.next = cursor};
  if (const auto trial = rings_.find(site)) {
    const OutcomeRing& ring = rings_.ring(*trial);
    const bool is_ours = cursor.epoch == rings_.epoch();
    auto position = is_ours ? ring.unpack(cursor.position) : ring.oldest();
    ring.read(position, batch);
    batch.next = {rings_.epoch(), ring.pack(position)};
    batch.thinned = ring.thinned();
  }
  batch.now_ms = now_ms();
  return batch;
}

Result<OutcomeBatch> OutcomeReader::read(const model::EnvironmentKey& key,
                                         const ports::OutcomeCursor& cursor, Duration patience) {
  const auto deadline = Clock::now() + std::min(patience, ports::kPatienceMax);
  OutcomeBell::Waiting waiting(bell_);
  for (;;) {
    const auto site = site_of_(key);
    if (!site) {
      return fail(ErrorKind::kNotFound, fmt::format("the gateway has no site {}", to_string(key)));
    }
    auto batch = collect(key, cursor);
    const auto left = std::chrono::duration_cast<Duration>(deadline - Clock::now());
    const bool is_over = !batch || left.count() <= 0 || is_stopped_.load() ||
                         batch->outcomes.size() >= OutcomeRing::kFullBatch ||
                         is_urgent(*batch, site->on_trial.value_or(0));
    if (is_over) return batch;
    waiting.wait(std::min(left, kLookAgain));
  }
}

}  // namespace ecluse::gateway
