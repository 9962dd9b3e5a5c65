#include "control/measuring.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "metrics/sketch.h"

namespace ecluse::control {

namespace {
Duration monotonic() {
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch());
}
/// Counts of another life of the gateway are nothing to compare with. A worker process that died
/// begins an epoch, too, but has left them as they were.
bool has_fallen(const metrics::Traffic& before, const metrics::Traffic& now) {
  return std::ranges::any_of(before.releases, [&](const auto& entry) {
    const auto found = now.releases.find(entry.first);
    return found == now.releases.end() ||
           found->second.counters.requests < entry.second.counters.requests;
  });
}
}  // namespace

void Measured::hear(const ports::MeasureBatch& batch, Duration at) {
  const metrics::Traffic before = batch.is_whole ? traffic_ : metrics::Traffic();
  traffic_.hear(batch);
  cursor_ = batch.next;
  if (has_fallen(before, traffic_)) marks_.clear();
  if (marks_.empty() || at - marks_.back().at >= kMarkEvery) mark(at);
}

void Measured::mark(Duration at) {
  Mark mark{.at = at, .latencies = {}};
  for (const auto& [id, release] : traffic_.releases) mark.latencies[id] = release.latencies;
  marks_.push_back(std::move(mark));
  while (marks_.size() > 1 && at - marks_[1].at >= kLookBack) marks_.pop_front();
}

std::map<model::ReleaseNumber, LatencyView> Measured::latencies(const model::EnvironmentKey& key,
                                                                Duration at) const {
  std::map<model::ReleaseNumber, LatencyView> views;
  if (marks_.empty()) return views;
  const Mark& before = marks_.front();
  for (const auto& [id, release] : traffic_.releases) {
    if (id.first != key) continue;
    const auto old = before.latencies.find(id);
    const auto lately = old == before.latencies.end()
                            ? release.latencies
                            : metrics::since(old->second, release.latencies);
    if (lately.empty()) continue;
    views[id.second] = {.over = at - before.at,
                        .answers = metrics::count_of(lately),
                        .p50_ms = metrics::quantile(lately, 0.50) / 1000,
                        .p95_ms = metrics::quantile(lately, 0.95) / 1000};
  }
  return views;
}

Measuring::Measuring(ports::Measurements* measurements) : measurements_(measurements) {
  if (measurements_ != nullptr) thread_ = std::jthread([this] { run(); });
}

Measuring::~Measuring() {
  desk_.change([](Desk& desk) { desk.ends = true; });
}

void Measuring::run() {
  const auto ends = [](const Desk& desk) { return desk.ends; };
  do {
    read_once();
  } while (!desk_.when(kEvery, ends, ends));
}

void Measuring::read_once() {
  const auto cursor = desk_.with([](const Desk& desk) { return desk.measured.cursor(); });
  const auto batch = measurements_->read(cursor);
  desk_.with([&](Desk& desk) {
    // Said once, not each second.
    if (!batch && desk.gateway_answers)
      log_warn("requests are not counted: {}", batch.error().message);
    desk.gateway_answers = batch.has_value();
    if (batch) desk.measured.hear(*batch, monotonic());
  });
}

Measuring::Standing Measuring::standing() const {
  return desk_.with(
      [](const Desk& desk) { return Standing{desk.gateway_answers, desk.measured.traffic()}; });
}

std::map<model::ReleaseNumber, LatencyView> Measuring::latencies(
    const model::EnvironmentKey& key) const {
  return desk_.with([&](const Desk& desk) { return desk.measured.latencies(key, monotonic()); });
}

}  // namespace ecluse::control
