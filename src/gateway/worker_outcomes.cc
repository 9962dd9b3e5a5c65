// What the judge hears of each request while a release is on trial: ports/outcomes.h.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "gateway/http1_chars.h"
#include "gateway/worker_thread.h"

namespace ecluse::gateway {

namespace {
using ports::Outcome;

/// Whoever sends no cookie back is one unit with its neighbours: /24, or /64 of IPv6.
std::string_view prefix_of(const in6_addr& address) {
  const std::size_t bytes = IN6_IS_ADDR_V4MAPPED(&address) ? 15 : 8;
  return {reinterpret_cast<const char*>(address.s6_addr), bytes};
}
}  // namespace

/// Once for each request, before its first attempt: what a retry does is not another trial.
void WorkerThread::note_arrival(Client& client, const SiteRoute& site, const ArmRoute& arm) {
  if (client.trial != kNoTrial) return;
  OutcomeRings& rings = context_.memory->outcomes();
  const bool returned_cookie =
      site.sticky && !client.facts.sets_client_cookie && !client.facts.is_proof;
  const std::string_view unit =
      returned_cookie ? client.exchange().client_id_text() : prefix_of(client.address);
  client.trial = site.trial;
  client.exchange().outcome = {.release = arm.release,
                               .weight_ppm = site.trial_weight_ppm,
                               .client = site.sticky ? rings.hash_of(unit) : 0,
                               .probe = client.facts.is_chosen,
                               .arrived_ms = static_cast<std::uint64_t>(now_)};
  const std::uint64_t draw = site.sticky ? client.exchange().outcome.client : prng_.next();
  if (!rings.ring(site.trial).arrive(client.exchange().outcome, draw))
    client.exchange().outcome.arrival = 0;
}

void WorkerThread::settle_outcome(Client& client, Outcome::State state) {
  OutcomeRing& ring = context_.memory->outcomes().ring(client.trial);
  Outcome& outcome = client.exchange().outcome;
  outcome.state = state;
  outcome.latency_ms =
      static_cast<std::uint32_t>(static_cast<std::uint64_t>(now_) - outcome.arrived_ms);
  ring.settle(outcome);
  const bool is_error = state == Outcome::State::kError || state == Outcome::State::kCrashed;
  if (is_error && !outcome.probe && outcome.release == ring.release()) context_.bell->ring();
  outcome.arrival = 0;
}

/// An answer without an end of its own says with its head that it is well: nobody waits for the
/// end of an event stream.
bool WorkerThread::is_event_stream(const http1::Response& response) const {
  constexpr std::string_view kName = "content-type";
  constexpr std::string_view kType = "text/event-stream";
  return std::ranges::any_of(response.fields, [&](const http1::Field& field) {
    return http1::equal_ignoring_case(field.name, kName) &&
           http1::equal_ignoring_case(field.value.substr(0, kType.size()), kType);
  });
}

/// The exchange failed after its connection had been made. If nobody listens at the instance's
/// address any more, the instance has died, and the request with it.
Outcome::State WorkerThread::failure_of(const Target& target) const {
  int error = 0;
  const os::Fd fd = begin_connect(target.address, error);
  if (fd && error == EINPROGRESS) {
    // On this machine a refusal is there at once; what takes longer is not waited for.
    pollfd wait{fd.get(), POLLOUT, 0};
    socklen_t length = sizeof error;
    const bool is_decided = ::poll(&wait, 1, 0) > 0;
    if (!is_decided || ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0)
      error = 0;
  }
  return error == ECONNREFUSED ? Outcome::State::kCrashed : Outcome::State::kError;
}

}  // namespace ecluse::gateway
