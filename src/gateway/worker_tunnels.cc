// WebSockets: bytes both ways after the app's 101, and a proper goodbye when a release leaves.
#include <algorithm>
#include <array>

#include "gateway/worker_thread.h"

namespace ecluse::gateway {

namespace {
constexpr std::uint64_t kReviewMs = 5000;
constexpr std::uint64_t kBoundaryWaitMs = 1000;
/// FIN + close, two bytes: 1012 "Service Restart" to the client (RFC 6455, IANA registry).
constexpr std::array<char, 4> kRestart{'\x88', '\x02', '\x03', '\xf4'};
/// The same from a client's side is masked; with a mask of zeros the bytes stay as they are.
/// 1001 "Going Away".
constexpr std::array<char, 8> kGoingAway{'\x88', '\x82', 0, 0, 0, 0, '\x03', '\xe9'};

template <std::size_t N>
std::string_view bytes_of(const std::array<char, N>& frame) {
  return {frame.data(), frame.size()};
}
}  // namespace

void WorkerThread::begin_tunnel(Client& client) {
  settle(client, ports::Outcome::State::kOk);
  client.tunnel = std::make_unique<Tunnel>();
  CounterCell::add(cell_of(client).websockets, 1);
  client.exchange().up.start({.from = {http1::BodyKind::kUntilClose, 0}});
  client.exchange().up.follow(&client.tunnel->from_client);
  client.exchange().down.start({.from = {http1::BodyKind::kUntilClose, 0}});
  client.exchange().down.follow(&client.tunnel->from_app);
  client.phase = Phase::kTunnel;
  client.moved_at = now_;
  client.moved_bytes = 0;
  set_deadline(client, std::min(kReviewMs, bounds_.websocket_idle_ms_max));
  if (is_finishing_) client.tunnel->close_at = finish_by_ - (finish_by_ - now_) / 4;
}

namespace {
/// One direction; false when the tunnel is broken.
bool run_way(Pump& pump, Socket& from, Socket& to, BlockPool& pool, bool& yields) {
  const bool was_done = pump.done();
  switch (pump.run(from, to, pool, {})) {
    case PumpState::kBlocked:
      from.release_empty(pool);
      return true;
    case PumpState::kYield:
      yields = true;
      return true;
    case PumpState::kDone:
      // One side has said all: the other may still speak.
      if (!was_done) to.end_sending();
      return true;
    case PumpState::kSourceEnded:
    case PumpState::kSourceBroken:
    case PumpState::kSinkBroken:
    case PumpState::kFaulty:
      return false;
  }
  return false;
}
}  // namespace

bool WorkerThread::run_tunnel(Client& client) {
  Socket& app = client.upstream->socket;
  bool yields = false;
  const bool works = run_way(client.exchange().up, client.socket, app, pool_, yields) &&
                     run_way(client.exchange().down, app, client.socket, pool_, yields);
  if (!works || (client.exchange().up.done() && client.exchange().down.done())) {
    abandon(client);
    return false;
  }
  if (client.tunnel->is_closing && client.exchange().down.at_frame_boundary()) {
    close_tunnel(client);
    return client.phase != Phase::kClosed;
  }
  if (yields && !client.is_queued) {
    client.is_queued = true;
    queue_.push_back(&client);
  }
  return false;
}

/// Both directions are told, each where a frame may begin; then only the client's reply is awaited.
void WorkerThread::close_tunnel(Client& client) {
  Socket& app = client.upstream->socket;
  if (client.exchange().down.at_frame_boundary())
    (void)client.socket.append(bytes_of(kRestart), pool_);
  if (client.exchange().up.at_frame_boundary() && app.append(bytes_of(kGoingAway), pool_)) {
    (void)app.flush(pool_);  // the connection is closed next: what does not fit is not waited for
  }
  detach(client, false);
  client.tunnel.reset();
  client.closes_after = true;
  client.phase = Phase::kFlush;
  set_deadline(client, bounds_.linger_ms_max);
}

void WorkerThread::review_tunnel(Client& client) {
  Tunnel& tunnel = *client.tunnel;
  const std::uint64_t moved = client.exchange().up.moved() + client.exchange().down.moved();
  if (moved != client.moved_bytes) {
    client.moved_bytes = moved;
    client.moved_at = now_;
  }
  if (now_ - client.moved_at >= static_cast<Millis>(bounds_.websocket_idle_ms_max)) {
    hit(&Bounds::websocket_idle_ms_max);
    return abandon(client);
  }
  if (tunnel.is_closing) return abandon(client);  // no frame ended in time
  if (tunnel.close_at == 0 || now_ < tunnel.close_at) {
    set_deadline(client, std::min(kReviewMs, bounds_.websocket_idle_ms_max));
    if (tunnel.close_at != 0) wheel_.set(client, std::min(client.deadline, tunnel.close_at));
    return;
  }
  tunnel.is_closing = true;
  client.exchange().down.stop_at_frame_boundary();
  set_deadline(client, kBoundaryWaitMs);
  advance(client);
}

}  // namespace ecluse::gateway
