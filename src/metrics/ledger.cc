#include "metrics/ledger.h"

#include <algorithm>

namespace ecluse::metrics {

using ports::MeasureBatch;
using ports::MeasureCursor;
using ports::ReleaseMeasures;

namespace {
template <typename Key>
bool any_fell(const std::map<Key, std::uint64_t>& before, const std::map<Key, std::uint64_t>& now) {
  return std::ranges::any_of(before, [&](const auto& entry) {
    const auto found = now.find(entry.first);
    return found == now.end() || found->second < entry.second;
  });
}

bool any_fell(const ReleaseMeasures& before, const ReleaseMeasures& now) {
  return now.counters.requests < before.counters.requests ||
         now.counters.errors_5xx < before.counters.errors_5xx ||
         now.counters.failures < before.counters.failures ||
         now.latency_sum_us < before.latency_sum_us || any_fell(before.latencies, now.latencies);
}

/// Gives `version` to each entry of `now` that `before` has otherwise, or not.
template <typename Key>
void stamp(std::map<Key, std::uint64_t>& changed, const std::map<Key, std::uint64_t>& before,
           const std::map<Key, std::uint64_t>& now, std::uint64_t version) {
  for (const auto& [key, value] : now) {
    const auto known = before.find(key);
    if (known == before.end() || known->second != value) changed[key] = version;
  }
}

/// Those of `all` that changed after `version`.
template <typename Key>
std::map<Key, std::uint64_t> later_than(std::uint64_t version,
                                        const std::map<Key, std::uint64_t>& changed,
                                        const std::map<Key, std::uint64_t>& all) {
  std::map<Key, std::uint64_t> later;
  for (const auto& [key, value] : all) {
    if (changed.at(key) > version) later[key] = value;
  }
  return later;
}
}  // namespace

Ledger::Ledger(std::function<std::string()> new_epoch)
    : new_epoch_(std::move(new_epoch)), epoch_(new_epoch_()) {}

bool Ledger::has_fallen(const Traffic& now) const {
  if (any_fell(known_.bound_hits, now.bound_hits)) return true;
  return std::ranges::any_of(known_.releases, [&](const auto& entry) {
    const auto found = now.releases.find(entry.first);
    return found == now.releases.end() || any_fell(entry.second, found->second);
  });
}

void Ledger::note(const Traffic& now) {
  const std::uint64_t version = version_ + 1;
  for (const auto& [id, release] : now.releases) {
    Entry& entry = entries_[id];
    const ReleaseMeasures& before = known_.releases[id];
    if (entry.version != 0 && before == release) continue;
    stamp(entry.changed, before.latencies, release.latencies, version);
    entry.version = version;
    version_ = version;
  }
  if (known_.bound_hits != now.bound_hits) {
    stamp(bounds_changed_, known_.bound_hits, now.bound_hits, version);
    version_ = version;
  }
  known_ = now;
}

MeasureBatch Ledger::since(std::uint64_t version) const {
  MeasureBatch batch{.next = {epoch_, version_}};
  for (const auto& [id, release] : known_.releases) {
    const Entry& entry = entries_.at(id);
    if (entry.version <= version) continue;
    batch.releases.push_back(release);
    batch.releases.back().latencies = later_than(version, entry.changed, release.latencies);
  }
  batch.bound_hits = later_than(version, bounds_changed_, known_.bound_hits);
  return batch;
}

MeasureBatch Ledger::read(const MeasureCursor& cursor, const Traffic& now) {
  if (has_fallen(now)) *this = Ledger(std::move(new_epoch_));
  note(now);
  // A version that was never given is no cursor of ours either.
  const bool is_known = cursor.epoch == epoch_ && cursor.version <= version_;
  MeasureBatch batch = since(is_known ? cursor.version : 0);
  batch.is_whole = !is_known;
  return batch;
}

}  // namespace ecluse::metrics
