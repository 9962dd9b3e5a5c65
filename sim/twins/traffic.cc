#include "sim/twins/traffic.h"

#include <fmt/format.h>

#include <algorithm>

namespace ecluse::sim {

namespace {
bool older(const ports::Fence& a, const ports::Fence& b) {
  return std::pair(a.term, a.sequence) < std::pair(b.term, b.sequence);
}
bool has_weight(const ports::Site& site, model::ReleaseNumber release) {
  return std::ranges::any_of(site.arms, [&](const ports::Arm& arm) {
    return arm.release == release && arm.weight_ppm > 0;
  });
}
}  // namespace

Result<TwinTraffic::Known*> TwinTraffic::admit(const model::EnvironmentKey& key,
                                               const ports::Fence& fence) {
  auto& known = known_[key];
  if (older(fence, known.fence))
    return fail(ErrorKind::kConflict, fmt::format("{} knows a newer decision", to_string(key)));
  return &known;
}

Result<void> TwinTraffic::swap(const ports::Site& site, const ports::Fence& fence) {
  ECLUSE_ASSIGN(auto* known, admit(site.key, fence));
  for (const auto release : latches_[fence.rollout]) {
    if (fence.rollout.empty() || !has_weight(site, release)) continue;
    if (on_latched_weight) on_latched_weight(site, fence);
    return fail(ErrorKind::kConflict,
                fmt::format("release {} was aborted in {}", release, fence.rollout));
  }
  if (known->site)
    for (const auto& arm : known->site->arms)
      if (arm.weight_ppm > 0 && !has_weight(site, arm.release))
        known->busy_until[arm.release] = scheduler_.now() + linger();
  known->site = site;
  known->fence = fence;
  if (on_swap) on_swap(site, fence);
  return {};
}

Result<void> TwinTraffic::apply(const ports::Site& site, const ports::Fence& fence) {
  if (auto error = fault("traffic.apply")) return fail(*error);
  return swap(site, fence);
}

Result<void> TwinTraffic::abort(const ports::Site& site, model::ReleaseNumber aborted,
                                const ports::Fence& fence) {
  if (auto error = fault("traffic.abort")) return fail(*error);
  latches_[fence.rollout].insert(aborted);
  return swap(site, fence);
}

Result<std::vector<model::ReleaseNumber>> TwinTraffic::latched(const std::string& rollout) {
  if (auto error = fault("traffic.latched")) return fail(*error);
  const auto& latched = latches_[rollout];
  return std::vector<model::ReleaseNumber>(latched.begin(), latched.end());
}

Result<void> TwinTraffic::remove(const model::EnvironmentKey& key, const ports::Fence& fence) {
  if (auto error = fault("traffic.remove")) return fail(*error);
  ECLUSE_ASSIGN(auto* known, admit(key, fence));
  *known = {.fence = fence};
  return {};
}

Result<std::vector<ports::Site>> TwinTraffic::sites() {
  std::vector<ports::Site> all;
  for (const auto& [key, known] : known_)
    if (known.site) all.push_back(*known.site);
  return all;
}

Result<void> TwinTraffic::drain(const model::EnvironmentKey&, model::ReleaseNumber, Duration) {
  if (auto error = fault("traffic.drain")) return fail(*error);
  return {};
}

Result<ports::SiteCounters> TwinTraffic::counters(const model::EnvironmentKey& key) {
  if (auto error = fault("traffic.counters")) return fail(*error);
  ports::SiteCounters counters;
  const auto found = known_.find(key);
  if (found == known_.end() || !found->second.site) return counters;
  for (const auto& arm : found->second.site->arms) {
    const auto busy = found->second.busy_until.find(arm.release);
    const bool lingers = busy != found->second.busy_until.end() && busy->second > scheduler_.now();
    counters.arms[arm.release].in_flight = arm.weight_ppm > 0 ? 3 : lingers ? 1 : 0;
  }
  return counters;
}

Result<TwinTraffic::Answer> TwinTraffic::ask(const model::EnvironmentKey& key,
                                             model::ReleaseNumber release, const std::string&) {
  if (auto error = fault("traffic.ask")) return fail(*error);
  const auto found = known_.find(key);
  if (found == known_.end() || !found->second.site)
    return fail(ErrorKind::kNotFound, fmt::format("the gateway knows no {}", to_string(key)));
  for (const auto& arm : found->second.site->arms) {
    if (arm.release != release) continue;
    for (const auto& backend : arm.backends)
      for (const auto& target : backend.targets)
        if (target.ready && (!answers || answers(target.instance))) return Answer{release, 200};
  }
  return Answer{0, 503};
}

bool TwinTraffic::has_latched(const std::string& rollout, model::ReleaseNumber release) const {
  const auto found = latches_.find(rollout);
  return found != latches_.end() && found->second.contains(release);
}

const ports::Site* TwinTraffic::site(const model::EnvironmentKey& key) const {
  const auto found = known_.find(key);
  return found == known_.end() || !found->second.site ? nullptr : &*found->second.site;
}

}  // namespace ecluse::sim
