// How connections end, and the deadlines that end them.
#include <algorithm>
#include <utility>

#include "gateway/worker_thread.h"

namespace ecluse::gateway {

/// Makes the connection ready for another request; true: go on and look for it.
bool WorkerThread::next_request(Client& client) {
  if (client.note) end_note(client);
  client.phase = Phase::kHead;
  client.scanner.reset();
  client.facts = {};
  client.attempts = 0;
  client.interim_answers = 0;
  client.answer_started = false;
  client.answer_until_close = false;
  client.upstream_write_broken = false;
  client.avoided = nullptr;
  client.phase_since = 0;
  settle(client, ports::Outcome::State::kLeft);
  take_exchange_back(client);
  client.trial = kNoTrial;
  client.lacking = 0;
  client.socket.release_empty(pool_);
  set_deadline(client, bounds_.idle_ms_max);
  return true;
}

bool WorkerThread::run_flush(Client& client) {
  switch (client.socket.flush(pool_)) {
    case Io::kProgress:
      break;
    case Io::kBlocked:
      // Nothing else is to be done for it until it reads.
      return false;
    case Io::kEnd:
    case Io::kBroken:
      close_client(client);
      return false;
  }
  if (!client.closes_after) return next_request(client);
  end_connection(client);
  return client.phase != Phase::kClosed;
}

/// Closes without a reset overtaking our last words: while the client still sends, we read on for
/// a moment (RFC 9112 section 9.6).
void WorkerThread::end_connection(Client& client) {
  Socket& socket = client.socket;
  if (client.is_stream) {
    socket.end_sending();  // a stream that is closed without it is aborted
    return close_client(client);
  }
  const bool sends_nothing_more = client.answer_started &&
                                  client.exchange().up.source_is_consumed() &&
                                  socket.received().empty() && socket.has_nothing_unread();
  if (socket.seen_end || sends_nothing_more) {
    return close_client(client);
  }
  socket.end_sending();
  client.phase = Phase::kLinger;
  set_deadline(client, bounds_.linger_ms_max);
}

bool WorkerThread::run_linger(Client& client) {
  constexpr int kReadsMax = 32;  // then others have a turn
  for (int i = 0; i < kReadsMax; ++i) {
    client.socket.consume(client.socket.received().size());
    switch (client.socket.fill(pool_)) {
      case Io::kProgress:
        continue;
      case Io::kBlocked:
        client.socket.release_empty(pool_);
        return false;
      case Io::kEnd:
      case Io::kBroken:
        close_client(client);
        return false;
    }
  }
  if (!std::exchange(client.is_queued, true)) queue_.push_back(&client);
  return false;
}

void WorkerThread::close_client(Client& client, bool reset) {
  if (client.note) end_note(client);
  settle(client, ports::Outcome::State::kLeft);
  if (client.upstream != nullptr) detach(client, false);
  if (client.http2) close_streams(client);
  if (client.phase == Phase::kHeld) let_go(client);
  if (client.is_in_ledger) context_.ledger->close(ledger_key(client.address));
  take_exchange_back(client);
  client.phase = Phase::kClosed;
  client.file.reset();
  wheel_.remove(client);
  client.socket.close(pool_, reset);
  client.previous->next = client.next;
  client.next->previous = client.previous;
  --client_count_;
  dead_clients_.emplace_back(&client);
}

/// A deadline of the client has passed.
void WorkerThread::review(Client& client) {
  switch (client.phase) {
    case Phase::kHead:
      if (client.socket.received().empty()) {
        hit(client.is_first ? &Bounds::head_ms_max : &Bounds::idle_ms_max);
        return close_client(client);
      }
      hit(&Bounds::head_ms_max);
      client.closes_after = true;
      answer_page(client, page_of(408));
      return advance(client);
    case Phase::kHandshake:
      hit(&Bounds::handshake_ms_max);
      return close_client(client);
    case Phase::kHeld:
      let_go(client);
      hit(&Bounds::hold_ms_max);
      answer_page(client, page_of(503));
      return advance(client);
    case Phase::kConnecting:
      hit(&Bounds::connect_ms_max);
      upstream_failed(client, 504);
      return advance(client);
    case Phase::kExchange:
      return review_exchange(client);
    case Phase::kTunnel:
      return review_tunnel(client);
    case Phase::kHttp2:
      return review_http2(client);
    case Phase::kFile:
      hit(&Bounds::stall_ms_max);
      return close_client(client, true);
    case Phase::kFlush:
      hit(&Bounds::stall_ms_max);
      return close_client(client);
    case Phase::kLinger:
      hit(&Bounds::linger_ms_max);
      return close_client(client);
    case Phase::kClosed:
      return;
  }
}

/// Below the least rate over a whole window, while the app would take more and the client may send.
bool WorkerThread::body_is_too_slow(Client& client) {
  const auto window = static_cast<Millis>(bounds_.body_rate_window_ms);
  const Socket& app = client.upstream->socket;
  const bool waits_for_100 = client.facts.expects_continue && client.exchange().up.bytes() == 0;
  const bool app_would_read = app.writable && app.output_pending() == 0;
  if (client.exchange().up.done() || waits_for_100 || !app_would_read) {
    client.rate_since = now_;
    client.rate_bytes = client.exchange().up.bytes();
    return false;
  }
  if (now_ - client.rate_since < window) return false;
  const std::uint64_t wanted = bounds_.body_bytes_per_s_min * bounds_.body_rate_window_ms / 1000;
  const bool is_slow = client.exchange().up.bytes() - client.rate_bytes < wanted;
  client.rate_since = now_;
  client.rate_bytes = client.exchange().up.bytes();
  return is_slow;
}

void WorkerThread::review_exchange(Client& client) {
  if (!client.socket.is_watched && !watch_client(client)) return close_client(client);
  const std::uint64_t moved = client.exchange().up.moved() + client.exchange().down.moved();
  if (moved != client.moved_bytes) {
    client.moved_bytes = moved;
    client.moved_at = now_;
  }
  const Millis still_for = now_ - client.moved_at;
  if (!client.answer_started && body_is_too_slow(client)) {
    hit(&Bounds::body_bytes_per_s_min);
    detach(client, false);
    client.closes_after = true;
    answer_page(client, page_of(408));
    return advance(client);
  }
  const bool client_stalls =
      client.answer_started &&
      client.socket.output_pending() + (client.socket.writable ? 0U : 1U) > 0;
  if (client_stalls && still_for >= static_cast<Millis>(bounds_.stall_ms_max)) {
    hit(&Bounds::stall_ms_max);
    return abandon(client);
  }
  if (still_for < static_cast<Millis>(bounds_.answer_ms_max))
    return set_deadline(client, review_ms_);
  hit(&Bounds::answer_ms_max);
  note_failure(*client.upstream->target);
  count_failure(client);
  detach(client, false);
  if (client.answer_started) return close_client(client, client.answer_until_close);
  answer_page(client, page_for(client, table_->site_of_slot(client.slot), 504));
  advance(client);
}

}  // namespace ecluse::gateway
