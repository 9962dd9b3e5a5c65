// HTTP/2 connections: each request of one is a client of its own, whose socket is a stream.
#include <algorithm>
#include <functional>
#include <utility>

#include "gateway/http2_session.h"
#include "gateway/worker_thread.h"

namespace ecluse::gateway {

namespace {
/// How a session reaches the thread without knowing it whole.
class HostOfStreams : public http2::Host {
 public:
  HostOfStreams(std::function<bool(Client&, http2::Stream&)> open,
                std::function<void(std::uint64_t Bounds::*)> hit, std::vector<Client*>& queue,
                std::vector<Client*>& unflushed)
      : open_(std::move(open)), hit_(std::move(hit)), queue_(queue), unflushed_(unflushed) {}
  bool open_stream(Client& connection, http2::Stream& stream) override {
    return open_(connection, stream);
  }
  void wake(Client& client) override {
    if (!std::exchange(client.is_queued, true)) queue_.push_back(&client);
  }
  void wants_flush(Client& connection) override {
    if (!std::exchange(connection.is_unflushed, true)) unflushed_.push_back(&connection);
  }
  void hit(std::uint64_t Bounds::* bound) override { hit_(bound); }

 private:
  std::function<bool(Client&, http2::Stream&)> open_;
  std::function<void(std::uint64_t Bounds::*)> hit_;
  std::vector<Client*>& queue_;
  std::vector<Client*>& unflushed_;
};
}  // namespace

bool WorkerThread::begin_http2(Client& client) {
  if (!http2_host_) {
    http2_host_ = std::make_unique<HostOfStreams>(
        [this](Client& connection, http2::Stream& stream) {
          return open_stream(connection, stream);
        },
        [this](std::uint64_t Bounds::* bound) { hit(bound); }, queue_, unflushed_);
  }
  client.http2 = http2::Session::start(
      client, *http2_host_, pool_,
      {.head = bounds_.head(),
       .streams_max = static_cast<std::uint32_t>(bounds_.http2_streams_max),
       .window_bytes = static_cast<std::uint32_t>(bounds_.http2_window_bytes),
       .control_frames_max = static_cast<std::uint32_t>(bounds_.http2_control_frames_per_s_max),
       .resets_max = static_cast<std::uint32_t>(bounds_.http2_resets_per_s_max)});
  if (!client.http2) {
    close_client(client);
    return false;
  }
  client.phase = Phase::kHttp2;
  client.moved_at = now_;
  if (is_finishing_) client.http2->announce_shutdown();
  set_deadline(client, bounds_.head_ms_max);  // for its first request
  http2_host_->wants_flush(client);
  return true;
}

bool WorkerThread::open_stream(Client& connection, http2::Stream& stream) {
  if (!has_room_for_client()) return false;
  auto client = std::make_unique<Client>();
  client->is_stream = client->is_secure = true;
  client->stream_fault = stream.fault;
  client->is_over_limit = connection.is_over_limit;
  client->tls = connection.tls;
  client->address = connection.address;
  client->listener_port = connection.listener_port;
  client->socket.transport = http2::Session::transport_of(stream);
  client->socket.is_watched = true;  // by its connection
  stream.client = client.get();
  stream.socket = &client->socket;
  (void)enrol(std::move(client));
  // It hears 429, and then that its connection ends.
  if (connection.is_over_limit) connection.http2->announce_shutdown();
  return true;
}

/// Reads what has come; what is to be sent goes at the end of the turn, in few records.
bool WorkerThread::run_http2(Client& client) {
  constexpr int kReadsMax = 16;  // then others have a turn
  Socket& socket = client.socket;
  for (int reads = 0; reads < kReadsMax; ++reads) {
    const Io io = socket.fill(pool_);
    if (io == Io::kBlocked) {
      socket.release_empty(pool_);
      http2_host_->wants_flush(client);  // it may be writable again
      return false;
    }
    const std::string_view bytes = socket.received();
    const bool goes_on = io == Io::kProgress && client.http2->receive(bytes, now_);
    socket.consume(bytes.size());
    if (goes_on) continue;
    if (io != Io::kProgress) {
      close_client(client);
      return false;
    }
    (void)client.http2->flush(socket);  // the reason; one that does not take it goes without
    leave_http2(client);
    return true;
  }
  http2_host_->wake(client);
  return false;
}

/// At the end of a turn: all that its events made the connections say.
void WorkerThread::flush_http2() {
  std::vector<Client*> unflushed;
  unflushed.swap(unflushed_);
  for (Client* const client : unflushed) {
    client->is_unflushed = false;
    if (client->phase != Phase::kHttp2) continue;
    const std::size_t before = client->socket.output_pending();
    const Io io = client->http2->flush(client->socket);
    if (io == Io::kProgress || client->socket.output_pending() != before) client->moved_at = now_;
    if (io == Io::kBroken) {
      close_client(*client);
    } else if (io == Io::kProgress && client->http2->is_done()) {
      leave_http2(*client);
    }
  }
}

/// Its streams hear of the end before it is gone.
void WorkerThread::close_streams(Client& client) {
  const auto streams = client.http2->streams();  // a copy: closing a client changes the set
  for (http2::Stream* const stream : streams) {
    if (stream->client != nullptr) close_client(*stream->client);
  }
  client.http2.reset();
  if (client.is_unflushed) std::erase(unflushed_, &client);
}

/// All is said. What the client still sends is read and dropped, so that no reset overtakes our
/// last answers.
void WorkerThread::leave_http2(Client& client) {
  close_streams(client);
  client.socket.end_sending();
  client.phase = Phase::kLinger;
  set_deadline(client, bounds_.linger_ms_max);
}

void WorkerThread::review_http2(Client& client) {
  http2::Session& session = *client.http2;
  const bool is_stuck = client.socket.output_pending() > 0 &&
                        now_ - client.moved_at >= static_cast<Millis>(bounds_.stall_ms_max);
  const bool is_idle = !session.has_streams() && session.requests() == client.moved_bytes;
  if (is_stuck) {
    hit(&Bounds::stall_ms_max);
    return close_client(client);
  }
  if (!session.give_up_still_streams()) {
    hit(&Bounds::head_ms_max);
    return leave_http2(client);
  }
  if (session.is_shutting_down()) {
    session.finish_shutdown();  // the client did not answer our ping in time
  } else if (is_finishing_) {
    return review_hand_over(client);
  } else if (is_idle) {
    hit(&Bounds::idle_ms_max);
    session.announce_shutdown();
    session.finish_shutdown();
  }
  client.moved_bytes = session.requests();
  set_deadline(client, session.is_shutting_down() ? bounds_.linger_ms_max
                       : session.has_streams() ? std::min(bounds_.stall_ms_max, bounds_.idle_ms_max)
                                               : bounds_.idle_ms_max);
}

/// A browser that is just about to use a connection fails the request when a goodbye comes first
/// (its streams would be welcome, but it opens none on a session that goes away). So it is said in
/// a pause, while there is time for one.
void WorkerThread::review_hand_over(Client& client) {
  const bool has_paused = client.http2->requests() == client.moved_bytes;
  const bool has_time = now_ < finish_by_ - static_cast<Millis>(bounds_.hand_over_ms_max / 2);
  client.moved_bytes = client.http2->requests();
  if (has_paused || !has_time) return finish_http2(client);
  set_deadline(client, kHandOverPauseMs);
}

void WorkerThread::finish_http2(Client& client) {
  constexpr std::uint64_t kGoodbyeMs = 1000;
  client.http2->announce_shutdown();
  set_deadline(client, kGoodbyeMs);
}

}  // namespace ecluse::gateway
