#include "gateway/outcome_ring.h"

#include <algorithm>
#include <bit>
#include <vector>

namespace ecluse::gateway {

using ports::Outcome;
using ports::OutcomeBatch;

namespace {
constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr std::uint64_t kLow32 = 0xffff'ffff;

/// The largest number up to `head` whose low half is `low`.
std::uint64_t expand(std::uint64_t head, std::uint64_t low) {
  const std::uint64_t behind = (head - low) & kLow32;
  return behind > head ? 0 : head - behind;
}
}  // namespace

// Each field is stored with release and loaded with acquire, so that whoever has seen a field of
// the new record also sees that the sequence has changed.
void OutcomeCell::write(std::uint64_t index, const Outcome& outcome) {
  sequence_.store(0, kRelease);
  arrival_.store(outcome.arrival, kRelease);
  client_.store(outcome.client, kRelease);
  arrived_ms_.store(outcome.arrived_ms, kRelease);
  release_and_weight_.store(std::uint64_t{outcome.release} << 32 | outcome.weight_ppm, kRelease);
  result_.store(std::uint64_t{outcome.latency_ms} << 16 | (outcome.probe ? 1ULL << 8 : 0) |
                    static_cast<std::uint64_t>(outcome.state),
                kRelease);
  // Sequentially consistent: a writer that then asks whether anybody waits, and a reader that says
  // it waits and then looks here, cannot miss each other.
  sequence_.store(index + 1);
}

bool OutcomeCell::read(std::uint64_t index, Outcome& outcome) const {
  if (!holds(index)) return false;
  outcome.arrival = arrival_.load(kAcquire);
  outcome.client = client_.load(kAcquire);
  outcome.arrived_ms = arrived_ms_.load(kAcquire);
  const std::uint64_t release_and_weight = release_and_weight_.load(kAcquire);
  outcome.release = static_cast<std::uint32_t>(release_and_weight >> 32);
  outcome.weight_ppm = static_cast<std::uint32_t>(release_and_weight & kLow32);
  const std::uint64_t result = result_.load(kAcquire);
  outcome.state = static_cast<Outcome::State>(result & 0xff);
  outcome.probe = (result >> 8 & 1) != 0;
  outcome.latency_ms = static_cast<std::uint32_t>(result >> 16);
  return holds(index);
}

bool OutcomeCell::holds(std::uint64_t index) const {
  return sequence_.load() == index + 1;
}

void OutcomeRing::begin_trial(model::ReleaseNumber release) {
  first_arrival_.store(arrivals_.load(kAcquire), kRelease);
  first_settlement_.store(settlements_.load(kAcquire), kRelease);
  thinning_.store(0, kRelaxed);
  thinned_.store(0, kRelaxed);
  window_began_ms_.store(0, kRelaxed);
  window_first_.store(arrivals_.load(kAcquire), kRelaxed);
  release_.store(release, kRelease);
}

bool OutcomeRing::is_recorded(std::uint64_t draw) const {
  const std::uint64_t mask = (std::uint64_t{1} << thinning_.load(kRelaxed)) - 1;
  // Its upper half: cohorts are drawn by another key, but a caller may use the lower half too.
  return (draw >> 32 & mask) == 0;
}

bool OutcomeRing::arrive(Outcome& outcome, std::uint64_t draw) {
  if (!is_recorded(draw)) {
    thinned_.fetch_add(1, kRelaxed);
    return false;
  }
  const std::uint64_t index = arrivals_.fetch_add(1);
  outcome.arrival = index + 1;
  outcome.state = Outcome::State::kPending;
  arrived_[index % kCells].write(index, outcome);
  look_at_rate(outcome.arrival, outcome.arrived_ms);
  return true;
}

/// Done by one arrival of kRateWindow, or by the first after a second; two that do it at once
/// compute the same to within a record.
void OutcomeRing::look_at_rate(std::uint64_t arrivals, std::uint64_t now_ms) {
  constexpr std::uint64_t kWindowMs = 1000;
  constexpr std::uint32_t kThinningMax = 20;
  const std::uint64_t began = window_began_ms_.load(kRelaxed);
  const std::uint64_t first = window_first_.load(kRelaxed);
  const std::uint64_t took = now_ms - std::min(began, now_ms);
  if (arrivals - std::min(first, arrivals) < kRateWindow && took < kWindowMs) return;
  window_began_ms_.store(now_ms, kRelaxed);
  window_first_.store(arrivals, kRelaxed);
  if (began == 0) return;
  const std::uint64_t recorded_per_s = (arrivals - first) * 1000 / std::max<std::uint64_t>(took, 1);
  const std::uint64_t per_s = recorded_per_s << thinning_.load(kRelaxed);
  const auto wanted = static_cast<std::uint32_t>(std::bit_width(per_s / kRecordsPerSecondMax));
  thinning_.store(std::min(wanted, kThinningMax), kRelaxed);
}

void OutcomeRing::settle(const Outcome& outcome) {
  const std::uint64_t index = settlements_.fetch_add(1);
  settled_[index % kCells].write(index, outcome);
}

OutcomeRing::Position OutcomeRing::oldest() const {
  return {first_arrival_.load(kAcquire), first_settlement_.load(kAcquire)};
}

std::uint64_t OutcomeRing::pack(const Position& position) const {
  return (position.arrivals & kLow32) << 32 | (position.settlements & kLow32);
}

OutcomeRing::Position OutcomeRing::unpack(std::uint64_t packed) const {
  const Position first = oldest();
  return {std::max(first.arrivals, expand(arrivals_.load(kAcquire), packed >> 32)),
          std::max(first.settlements, expand(settlements_.load(kAcquire), packed & kLow32))};
}

namespace {
/// Moves `next` past what was overwritten; returns by how much.
std::uint64_t skip_overwritten(std::uint64_t& next, std::uint64_t end) {
  const std::uint64_t oldest = end > OutcomeRing::kCells ? end - OutcomeRing::kCells : 0;
  const std::uint64_t lost = oldest > next ? oldest - next : 0;
  next += lost;
  return lost;
}
}  // namespace

void OutcomeRing::read_arrivals(Position& position, std::uint64_t end, OutcomeBatch& batch) const {
  // The other half is for settlements of requests that were read before.
  for (; position.arrivals < end && batch.outcomes.size() < kFullBatch; ++position.arrivals) {
    Outcome outcome;
    if (!arrived_[position.arrivals % kCells].read(position.arrivals, outcome)) {
      // Overwritten while we read, or claimed and not written yet: the next read tells.
      return;
    }
    if (outcome.release == 0) {
      ++batch.lost;  // the writer died within it
    } else {
      batch.outcomes.push_back(outcome);
    }
  }
}

/// A settlement is shown only after its arrival: those of arrivals that are not read yet wait.
void OutcomeRing::read_settlements(Position& position, std::uint64_t end,
                                   std::uint64_t arrivals_end, OutcomeBatch& batch) const {
  const std::size_t of_arrivals = batch.outcomes.size();
  const std::uint64_t first = first_arrival_.load(kAcquire);
  std::vector<Outcome> earlier;
  for (; position.settlements < end; ++position.settlements) {
    Outcome outcome;
    if (earlier.size() + of_arrivals >= ports::kMaxBatch) break;
    if (!settled_[position.settlements % kCells].read(position.settlements, outcome)) break;
    if (outcome.arrival > arrivals_end) break;
    if (outcome.arrival <= first) continue;  // of the trial before
    const auto same =
        std::ranges::lower_bound(batch.outcomes, outcome.arrival, {}, &Outcome::arrival);
    if (same != batch.outcomes.end() && same->arrival == outcome.arrival) {
      *same = outcome;
    } else {
      earlier.push_back(outcome);
    }
  }
  std::ranges::sort(earlier, {}, &Outcome::arrival);
  batch.outcomes.insert(batch.outcomes.begin(), earlier.begin(), earlier.end());
}

void OutcomeRing::read(Position& position, OutcomeBatch& batch) const {
  // Settlements first: the arrival of each of them is then among the arrivals.
  const std::uint64_t settlements_end = settlements_.load();
  const std::uint64_t arrivals_end = arrivals_.load();
  batch.lost += skip_overwritten(position.arrivals, arrivals_end);
  batch.lost += skip_overwritten(position.settlements, settlements_end);
  read_arrivals(position, arrivals_end, batch);
  read_settlements(position, settlements_end, position.arrivals, batch);
}

void OutcomeRing::repair_settlements() {
  std::uint64_t index = 0;
  const std::uint64_t end = settlements_.load();
  (void)skip_overwritten(index, end);  // nobody reads here: nothing is lost by it
  for (; index < end; ++index) {
    OutcomeCell& cell = settled_[index % kCells];
    if (!cell.holds(index)) cell.write(index, {.state = Outcome::State::kLeft});
  }
}

std::vector<bool> OutcomeRing::settled_since(std::uint64_t first_arrival, std::uint64_t end) const {
  std::vector<bool> settled(end - first_arrival, false);
  std::uint64_t index = 0;
  const std::uint64_t settlements_end = settlements_.load();
  (void)skip_overwritten(index, settlements_end);
  for (; index < settlements_end; ++index) {
    Outcome outcome;
    const bool is_read = settled_[index % kCells].read(index, outcome);
    if (is_read && outcome.arrival > first_arrival && outcome.arrival <= end) {
      settled[outcome.arrival - 1 - first_arrival] = true;
    }
  }
  return settled;
}

void OutcomeRing::settle_orphans(std::uint64_t now_ms) {
  repair_settlements();
  const std::uint64_t end = arrivals_.load();
  const std::uint64_t window = std::min(end, kCells / 2);
  const std::uint64_t first = std::max(first_arrival_.load(kAcquire), end - window);
  const std::vector<bool> settled = settled_since(first, end);
  for (std::uint64_t index = first; index < end; ++index) {
    OutcomeCell& cell = arrived_[index % kCells];
    Outcome outcome;
    if (!cell.read(index, outcome)) {
      cell.write(index, {.arrival = index + 1, .state = Outcome::State::kLeft});
    } else if (!settled[index - first]) {
      outcome.state = Outcome::State::kLeft;
      outcome.latency_ms =
          static_cast<std::uint32_t>(now_ms - std::min(outcome.arrived_ms, now_ms));
      settle(outcome);
    }
  }
}

}  // namespace ecluse::gateway
