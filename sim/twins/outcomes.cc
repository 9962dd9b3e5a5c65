#include "sim/twins/outcomes.h"

#include <algorithm>
#include <string>

namespace ecluse::sim {

void OutcomesTwin::serve(const model::EnvironmentKey& key,
                         std::optional<model::ReleaseNumber> on_trial) {
  std::lock_guard guard(mutex_);
  Site& site = sites_[key];
  if (site.on_trial == on_trial) return;
  site.first += site.records.size();
  site.records.clear();
  site.urgent.clear();
  site.on_trial = on_trial;
}

std::uint64_t OutcomesTwin::record(const model::EnvironmentKey& key, ports::Outcome outcome) {
  std::lock_guard guard(mutex_);
  Site& site = sites_[key];
  if (!site.on_trial) return 0;
  if (outcome.arrival == 0) outcome.arrival = ++site.arrivals;
  if (outcome.arrived_ms == 0) outcome.arrived_ms = now_ms_;
  const bool is_error = outcome.state == ports::Outcome::State::kError ||
                        outcome.state == ports::Outcome::State::kCrashed;
  site.records.push_back(outcome);
  site.urgent.push_back(is_error && outcome.release == *site.on_trial);
  if (site.records.size() > kKeptMax) {
    site.records.erase(site.records.begin());
    site.urgent.erase(site.urgent.begin());
    site.first += 1;
  }
  changed_.notify_all();
  return outcome.arrival;
}

void OutcomesTwin::set_now(std::uint64_t now_ms) {
  std::lock_guard guard(mutex_);
  now_ms_ = now_ms;
}

std::uint64_t OutcomesTwin::now_ms() {
  std::lock_guard guard(mutex_);
  return now_ms_;
}

void OutcomesTwin::forget_everything() {
  std::lock_guard guard(mutex_);
  epoch_ += 1;
  for (auto& [key, site] : sites_) {
    Site anew;
    anew.on_trial = site.on_trial;
    site = std::move(anew);
  }
}

void OutcomesTwin::set_away(bool away) {
  std::lock_guard guard(mutex_);
  away_ = away;
}

ports::OutcomeBatch OutcomesTwin::batch_from(const Site& site, const ports::OutcomeCursor& cursor,
                                             bool& urgent) const {
  if (!site.on_trial) return {.next = cursor, .now_ms = now_ms_, .lost = 0, .outcomes = {}};
  const std::string epoch = std::to_string(epoch_);
  const std::uint64_t wanted = cursor.epoch == epoch ? cursor.position : 0;
  const std::uint64_t from = std::max(wanted, site.first);
  ports::OutcomeBatch batch{.next = {epoch, from}, .now_ms = now_ms_, .lost = 0, .outcomes = {}};
  if (cursor.epoch == epoch) batch.lost = from - wanted;
  while (batch.outcomes.size() < ports::kMaxBatch &&
         batch.next.position < site.first + site.records.size()) {
    const std::size_t index = batch.next.position - site.first;
    batch.outcomes.push_back(site.records[index]);
    urgent = urgent || site.urgent[index];
    batch.next.position += 1;
  }
  return batch;
}

Result<ports::OutcomeBatch> OutcomesTwin::read(const model::EnvironmentKey& key,
                                               const ports::OutcomeCursor& cursor,
                                               Duration patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::unique_lock guard(mutex_);
  for (;;) {
    if (away_) return fail(ErrorKind::kUnavailable, "the gateway does not answer");
    const auto site = sites_.find(key);
    if (site == sites_.end()) return fail(ErrorKind::kNotFound, "no site " + to_string(key));
    bool urgent = false;
    auto batch = batch_from(site->second, cursor, urgent);
    const bool enough = urgent || batch.outcomes.size() == ports::kMaxBatch;
    if (enough || changed_.wait_until(guard, deadline) == std::cv_status::timeout) return batch;
  }
}

}  // namespace ecluse::sim
