// Which instance of a release answers: readiness, ejection, slow start, affinity, least requests.
#include <algorithm>
#include <charconv>

#include "gateway/heads.h"
#include "gateway/worker_thread.h"

namespace ecluse::gateway {

Target& WorkerThread::target_of(const TargetRoute& route, std::uint32_t slot) {
  if (route.id >= targets_.size()) targets_.resize(route.id + 1);
  std::unique_ptr<Target>& target = targets_[route.id];
  if (!target) {
    target = std::make_unique<Target>();
    target->id = route.id;
    target->address = route.address;
    target->slot = slot;
    target->instance = route.instance;
    target->fresh_since = now_;
  }
  return *target;
}

/// So much of the backend is ejected that the rest could not carry its load: then nobody is.
bool WorkerThread::panics(const BackendRoute& backend, std::uint32_t slot) {
  if (now_ >= ejected_until_) return false;
  std::size_t ready = 0;
  std::size_t ejected = 0;
  for (const TargetRoute& route : backend.targets) {
    if (!route.ready) continue;
    ++ready;
    if (target_of(route, slot).ejected_until > now_) ++ejected;
  }
  return ejected * 100 > ready * bounds_.panic_percent;
}

/// A new instance has cold caches: its share grows over slow_start_ms.
bool WorkerThread::is_slow_to_start(const Target& target) {
  const Millis age = now_ - target.fresh_since;
  const auto slow_start = static_cast<Millis>(bounds_.slow_start_ms);
  if (age >= slow_start || age < 0) return false;  // ejected, and yet asked: all are needed
  return static_cast<Millis>(prng_.below(bounds_.slow_start_ms)) > age;
}

/// Less is better: first what speaks against the instance, then its requests in flight.
std::uint64_t WorkerThread::rank_of(const Client& client, const TargetRoute& route,
                                    const Target& target, std::uint64_t wanted, bool panics) {
  const std::uint64_t shunned =
      (client.avoided == &target ? 8U : 0U) + (target.down_until > now_ ? 4U : 0U) +
      (target.ejected_until > now_ && !panics ? 4U : 0U) +
      (wanted != 0 && route.affinity != wanted ? 2U : 0U) + (is_slow_to_start(target) ? 1U : 0U);
  return (shunned << 32) + target.in_flight;
}

/// The ready target with the lowest rank, in turns among equals. One that refused a connection just
/// now, or failed this very request, is taken only when there is no other: when all are down,
/// trying is better than refusing everybody.
Target* WorkerThread::pick(Client& client, const http1::Request& request,
                           const BackendRoute& backend, std::uint32_t slot) {
  std::uint64_t wanted = 0;
  if (backend.affinity) {
    const std::string_view cookie = cookie_value(request.fields, kInstanceCookie);
    (void)std::from_chars(cookie.data(), cookie.data() + cookie.size(), wanted, 16);  // else 0
  }
  const bool all_may_serve = panics(backend, slot);
  Target* best = nullptr;
  std::uint64_t best_rank = 0;
  std::uint64_t best_affinity = 0;
  const std::size_t count = backend.targets.size();
  ++turn_;
  for (std::size_t i = 0; i < count; ++i) {
    const TargetRoute& route = backend.targets[(i + turn_) % count];
    if (!route.ready) continue;
    Target& target = target_of(route, slot);
    const std::uint64_t rank = rank_of(client, route, target, wanted, all_may_serve);
    if (best != nullptr && rank >= best_rank) continue;
    best = &target;
    best_rank = rank;
    best_affinity = route.affinity;
  }
  client.affinity = best_affinity;
  client.facts.sets_affinity_cookie = backend.affinity && best_affinity != wanted;
  return best;
}

/// Passive ejection: an instance that gave no usable answer several times in a row is left alone,
/// longer each time it comes back no better.
void WorkerThread::note_failure(Target& target) {
  constexpr std::uint32_t kLongest = 10;
  if (bounds_.eject_failures == 0 || ++target.failures < bounds_.eject_failures) return;
  target.failures = 0;
  target.ejections = std::min(target.ejections + 1, kLongest);
  target.ejected_until = now_ + static_cast<Millis>(bounds_.eject_ms * target.ejections);
  target.fresh_since = target.ejected_until;
  ejected_until_ = std::max(ejected_until_, target.ejected_until);
  hit(&Bounds::eject_failures);
}

}  // namespace ecluse::gateway
