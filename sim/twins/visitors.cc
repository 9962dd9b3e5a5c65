#include "sim/twins/visitors.h"

#include <algorithm>
#include <cmath>

namespace ecluse::sim {

namespace {
using State = ports::Outcome::State;

constexpr double kOpenShare = 0.2;  ///< of the requests are told of before they ended
constexpr double kLeftShare = 0.01;
constexpr std::uint64_t kClients = 200;

std::uint64_t ms(TimePoint at) {
  return static_cast<std::uint64_t>(ms_of(at));
}
}  // namespace

/// By the weights of the site: a draw against their running sum.
void Visitors::request(const ports::Site& where, Site& site, TimePoint at) {
  auto draw = prng_.below(1'000'000);
  ports::Outcome outcome{.arrival = ++site.arrivals, .arrived_ms = ms(at)};
  for (const auto& arm : where.arms) {
    if (arm.release == site.on_trial) outcome.weight_ppm = arm.weight_ppm;
    const bool falls_here = outcome.release == 0 && draw < arm.weight_ppm;
    if (falls_here) outcome.release = arm.release;
    draw -= std::min<std::uint64_t>(draw, arm.weight_ppm);
  }
  outcome.client = 1 + prng_.below(kClients);
  const bool fails = prng_.chance(error_share ? error_share(where.key, outcome.release) : 0);
  const auto end = prng_.chance(kLeftShare) ? State::kLeft : fails ? State::kError : State::kOk;
  const auto took = static_cast<std::uint32_t>(5 + prng_.below(300));
  if (prng_.chance(kOpenShare)) {
    site.records.push_back(outcome);
    outcome.state = end;
    outcome.latency_ms = took * 10;
    site.open.emplace(at + Duration(outcome.latency_ms), outcome);
    return;
  }
  outcome.state = end;
  outcome.latency_ms = took;
  site.records.push_back(outcome);
}

void Visitors::settle(Site& site) {
  while (!site.open.empty() && site.open.begin()->first <= scheduler_.now()) {
    site.records.push_back(site.open.begin()->second);
    site.open.erase(site.open.begin());
  }
}

void Visitors::come(const ports::Site& where, Site& site) {
  const auto now = scheduler_.now();
  const bool anybody_answers =
      std::ranges::any_of(where.arms, [](const ports::Arm& arm) { return arm.weight_ppm > 0; });
  if (per_second <= 0 || !anybody_answers) {
    site.looked_at = now;
    return;
  }
  for (std::uint64_t i = 0; i < kAtOnceMax; ++i) {
    const double gap_ms = -std::log(1 - prng_.unit()) / per_second * 1000;
    site.looked_at += Duration(1 + static_cast<std::int64_t>(gap_ms));
    if (site.looked_at > now) break;
    request(where, site, site.looked_at);
  }
  site.looked_at = now;
}

Result<ports::OutcomeBatch> Visitors::read(const model::EnvironmentKey& key,
                                           const ports::OutcomeCursor& cursor, Duration) {
  if (faults)
    if (auto error = faults("outcomes.read")) return fail(*error);
  const auto* where = traffic_.site(key);
  if (where == nullptr) return fail(ErrorKind::kNotFound, "no site " + to_string(key));
  ports::OutcomeBatch batch{.next = {epoch(), 0}, .now_ms = ms(scheduler_.now())};
  if (!where->on_trial) {
    sites_[key] = {.is_whole = false};
    batch.next = cursor;
    return batch;
  }
  auto& site = sites_[key];
  if (site.on_trial != *where->on_trial)
    site = {.on_trial = *where->on_trial, .looked_at = scheduler_.now()};
  settle(site);
  come(*where, site);
  const auto from = cursor.epoch == epoch() ? cursor.position : 0;
  for (auto at = from; at < site.records.size() && batch.outcomes.size() < ports::kMaxBatch; ++at)
    batch.outcomes.push_back(site.records[at]);
  batch.next.position = from + batch.outcomes.size();
  return batch;
}

void Visitors::forget_everything() {
  memory_ += 1;
  for (auto& [key, site] : sites_)
    site = {.on_trial = site.on_trial, .is_whole = false, .looked_at = scheduler_.now()};
}

std::optional<Visitors::Count> Visitors::before(const model::EnvironmentKey& key,
                                                const ports::OutcomeCursor& cursor) const {
  const auto found = sites_.find(key);
  if (found == sites_.end() || !found->second.is_whole || cursor.epoch != epoch())
    return std::nullopt;
  const auto& site = found->second;
  Count count;
  std::uint64_t newest = 0;
  for (std::size_t at = 0; at < std::min<std::size_t>(cursor.position, site.records.size()); ++at) {
    const auto& record = site.records[at];
    if (record.arrival <= newest) continue;  // how an earlier one ended
    newest = record.arrival;
    (record.release == site.on_trial ? count.on_trial : count.others) += 1;
  }
  return count;
}

}  // namespace ecluse::sim
