// The exchange with the app: connecting, both bodies, the answer, retries and what is counted.
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "gateway/heads.h"
#include "gateway/pacing.h"
#include "gateway/worker_thread.h"

namespace ecluse::gateway {

namespace {
/// What an answer's head may grow by on its way, and the frame of a first chunk behind it.
constexpr std::size_t kHeadSlack = 2048;
constexpr std::uint8_t kInterimAnswersMax = 16;

bool is_alive(const Socket& socket) {
  char byte = 0;
  const ssize_t n = ::recv(socket.fd.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && errno == EAGAIN;
}

/// No descriptor, port, memory or watch was left for a connection: it says nothing of the target.
bool is_our_lack(int error) {
  constexpr std::array kLacks = {EMFILE, ENFILE, EADDRNOTAVAIL, ENOBUFS, ENOMEM, ENOSPC};
  return std::ranges::find(kLacks, error) != kLacks.end();
}
}  // namespace

CounterCell& WorkerThread::cell_of(const Client& client) {
  return context_.memory->cell(index_, client.slot);
}

/// Each attempt is a trial of the release it went to.
void WorkerThread::count_start(Client& client) {
  CounterCell& cell = cell_of(client);
  CounterCell::add(cell.in_flight, 1);
  if (!client.facts.is_proof) CounterCell::add(cell.requests, 1);
  ++client.upstream->target->in_flight;
}

void WorkerThread::count_failure(Client& client) {
  settle(client, ports::Outcome::State::kError);
  if (!client.facts.is_proof) CounterCell::add(cell_of(client).failures, 1);
}

void WorkerThread::start_attempt(Client& client, const http1::Request& request,
                                 const SiteRoute& site, Target& target) {
  int error = 0;
  Upstream* const upstream = connection_to(client, target, request, error);
  if (upstream == nullptr) {
    if (!is_our_lack(error)) {
      target.down_until = now_ + static_cast<Millis>(bounds_.down_ms);
      note_failure(target);
    }
    client.avoided = &target;
    count_failure(client);
    if (client.attempts == 0 && take_retry()) return retry(client);
    return answer_page(client, page_for(client, &site, 503));
  }
  client.upstream = upstream;
  upstream->client = &client;
  upstream->scanner.reset();
  upstream->is_draining = upstream->keeps_alive = false;
  count_start(client);
  if (client.attempts == 0) {
    retry_tokens_ =
        std::min(retry_tokens_ + bounds_.retry_percent_max, bounds_.retry_burst_max * 100);
  }
  std::array<char, 64> address_room{};
  HeadWriter out(upstream->socket.output_room(pool_));
  write_request_head(request,
                     {.client_address = address_text(client.address, address_room),
                      .request_id = request_id(),
                      .is_secure = client.is_secure,
                      .is_http2 = client.is_stream,
                      .drops_authorization = !site.authorization.empty(),
                      .passes_upgrade = client.facts.wants_websocket},
                     out);
  if (client.note) note_attempt(client, site, target);
  upstream->socket.produced(out.bytes());
  upstream->head_bytes = static_cast<std::uint32_t>(out.bytes());
  if (out.overflowed()) {
    detach(client, false);
    return answer_fault(client, http1::Fault::kHeadTooLarge);
  }
  client.phase = upstream->is_reused ? Phase::kExchange : Phase::kConnecting;
  client.moved_at = now_;
  client.moved_bytes = 0;
  client.rate_since = now_;
  client.rate_bytes = 0;
  client.upstream_write_broken = false;
  set_deadline(client, upstream->is_reused ? review_ms_ : bounds_.connect_ms_max);
}

Upstream* WorkerThread::connection_to(Client& client, Target& target, const http1::Request& request,
                                      int& error) {
  // The first attempt may have met one stale connection; others of the pool are as old.
  if (client.attempts == 0) {
    if (Upstream* const reused = pooled(target, request.is_idempotent())) return reused;
  }
  return connect_to(target, error);
}

/// An app may close an idle connection just as we write. What must not be repeated goes only to
/// one used a moment ago, which no keep-alive timeout can have reached.
Upstream* WorkerThread::pooled(Target& target, bool is_idempotent) {
  while (!target.idle.empty()) {
    Upstream& upstream = *target.idle.back();
    const Millis idle_for = now_ - upstream.idle_since;
    if (!is_idempotent && idle_for > static_cast<Millis>(bounds_.unsafe_reuse_ms_max)) {
      return nullptr;
    }
    // One that came back in this very turn was empty then; for what must not be repeated we look.
    const bool was_just_used = is_idempotent && idle_for == 0;
    if (!was_just_used && !is_alive(upstream.socket)) {
      close_upstream(upstream);
      continue;
    }
    target.idle.pop_back();
    upstream.is_reused = true;
    return &upstream;
  }
  return nullptr;
}

os::Fd begin_connect(const sockaddr_in6& to, int& error) {
  const bool is_ipv4 = IN6_IS_ADDR_V4MAPPED(&to.sin6_addr);
  sockaddr_storage address{};
  socklen_t length = sizeof(sockaddr_in6);
  if (is_ipv4) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address);
    v4.sin_family = AF_INET;
    v4.sin_port = to.sin6_port;
    std::copy_n(&to.sin6_addr.s6_addr[12], 4, reinterpret_cast<unsigned char*>(&v4.sin_addr));
    length = sizeof v4;
  } else {
    reinterpret_cast<sockaddr_in6&>(address) = to;
  }
  const int family = is_ipv4 ? AF_INET : AF_INET6;
  os::Fd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const auto& target = reinterpret_cast<const sockaddr&>(address);
  if (fd) stop_pacing(fd.get(), target);
  error = 0;
  if (!fd || ::connect(fd.get(), &target, length) != 0) error = errno;
  return fd;
}

Upstream* WorkerThread::connect_to(Target& target, int& error) {
  auto upstream = std::make_unique<Upstream>();
  upstream->socket.fd = begin_connect(target.address, error);
  const int fd = upstream->socket.fd.get();
  if (fd < 0 || (error != 0 && error != EINPROGRESS)) return nullptr;
  const int on = 1;
  // Best effort: without it, small pieces of a body may wait for an acknowledgement.
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *upstream)) {
    error = errno;
    return nullptr;
  }
  upstream->socket.is_watched = true;
  upstream->target = &target;
  return upstream.release();  // owned by its exchange or its pool until close_upstream()
}

bool WorkerThread::check_connected(Client& client) {
  Socket& socket = client.upstream->socket;
  if (!socket.writable && !socket.hung_up) return false;
  int error = 0;
  socklen_t length = sizeof error;
  if (socket.hung_up && ::getsockopt(socket.fd.get(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 &&
      error != 0) {
    upstream_failed(client, 503);
    return true;
  }
  client.phase = Phase::kExchange;
  set_deadline(client, review_ms_);
  return true;
}

bool WorkerThread::run_exchange(Client& client) {
  if (client.socket.was_reset) {
    abandon(client);  // nobody waits for the answer
    return false;
  }
  if (!push_request(client)) return true;
  if (!client.answer_started && !read_answer(client)) return client.phase != Phase::kExchange;
  if (client.phase != Phase::kExchange) return true;
  return push_answer(client);
}

/// False when the exchange is over because of the request's side.
bool WorkerThread::push_request(Client& client) {
  if (client.exchange().up.done() || client.upstream_write_broken) return true;
  const PumpState state =
      client.exchange().up.run(client.socket, client.upstream->socket, pool_, bounds_.chunks());
  switch (state) {
    case PumpState::kBlocked:
    case PumpState::kDone:
      return true;
    case PumpState::kYield:
      if (!client.is_queued) queue_.push_back(&client);
      client.is_queued = true;
      return true;
    case PumpState::kSinkBroken:
      // It may have answered before it closed: read that first.
      client.upstream_write_broken = true;
      return true;
    case PumpState::kSourceBroken:
      abandon(client);
      return false;
    case PumpState::kSourceEnded:
    case PumpState::kFaulty: {
      // The app's side is aborted, never ended cleanly: it must not take half a body for a whole.
      const bool started = client.answer_started;
      const http1::Fault fault =
          state == PumpState::kFaulty ? client.exchange().up.fault() : http1::Fault::kMalformed;
      detach(client, false);
      if (started) {
        close_client(client, client.answer_until_close);
      } else {
        answer_fault(client, fault);
      }
      return false;
    }
  }
  return true;
}

/// Reads heads until the final one; false while it is not there, or when the exchange has ended.
bool WorkerThread::read_answer(Client& client) {
  Upstream& upstream = *client.upstream;
  for (;;) {
    const std::string_view bytes = upstream.socket.received();
    if (!bytes.empty()) {
      switch (upstream.scanner.scan(bytes, bounds_.head())) {
        case http1::HeadScanner::State::kComplete:
          if (!take_answer(client)) return false;
          if (client.answer_started) return true;
          continue;
        case http1::HeadScanner::State::kFault:
          bad_answer(client);
          return false;
        case http1::HeadScanner::State::kMore:
          break;
      }
    }
    switch (upstream.socket.fill(pool_)) {
      case Io::kProgress:
        continue;
      case Io::kBlocked:
        return false;
      case Io::kEnd:
      case Io::kBroken:
        upstream_failed(client, 502);
        return false;
    }
  }
}

/// Takes one complete head; false when it must wait for room or has ended the exchange.
bool WorkerThread::take_answer(Client& client) {
  Upstream& upstream = *client.upstream;
  const std::size_t end = upstream.scanner.head_end();
  const std::string_view head = upstream.socket.received().substr(0, end);
  if (client.socket.output_pending() > 0 && client.socket.flush(pool_) != Io::kProgress) {
    return false;  // interim answers the client has not read yet
  }
  if (http1::parse_response(head, client.facts.is_head, response_) != http1::Fault::kNone) {
    bad_answer(client);
    return false;
  }
  if (response_.status == 404 && lacks_asset(client)) {
    ask_other(client);
    return false;
  }
  if (hides_answer(client)) {
    answer_instead(client);
    return false;
  }
  const bool is_interim = response_.status < 200 && response_.status != 101;
  const bool is_unasked_switch =
      response_.status == 101 && !(client.facts.wants_websocket && response_.switches_to_websocket);
  if (is_unasked_switch || (is_interim && ++client.interim_answers > kInterimAnswersMax)) {
    bad_answer(client);
    return false;
  }
  const bool goes_on = is_interim ? take_interim(client) : (begin_answer(client), true);
  if (!goes_on || client.phase == Phase::kClosed || client.upstream == nullptr) return false;
  upstream.socket.consume(end);
  upstream.scanner.reset();
  if (response_.status == 101) {
    begin_tunnel(client);
    return false;
  }
  return true;
}

/// 100 goes to those who wait for it, others to all who can know them.
bool WorkerThread::take_interim(Client& client) {
  const bool is_unwanted =
      client.facts.is_http10 || (response_.status == 100 && !client.facts.expects_continue);
  if (is_unwanted) return true;
  HeadWriter out(client.socket.output_room(pool_));
  write_interim_head(response_, out);
  if (out.overflowed()) {
    bad_answer(client);
    return false;
  }
  client.socket.produced(out.bytes());
  client.moved_at = now_;
  if (response_.status == 100) client.facts.expects_continue = false;
  if (client.socket.flush(pool_) != Io::kBroken) return true;
  abandon(client);
  return false;
}

void WorkerThread::begin_answer(Client& client) {
  const http1::Framing& framing = response_.framing;
  const bool has_unknown_length =
      framing.kind == http1::BodyKind::kChunked || framing.kind == http1::BodyKind::kUntilClose;
  // A client that has not sent its whole body hears that this connection ends with the answer.
  client.closes_after = client.closes_after || is_finishing_ ||
                        (has_unknown_length && client.facts.is_http10) ||
                        (!client.exchange().up.source_is_consumed() && response_.status != 101);
  client.answer_until_close = has_unknown_length && client.facts.is_http10;
  const bool as_chunks = has_unknown_length && !client.facts.is_http10 && !client.is_stream;
  HeadWriter out(client.socket.output_room(pool_));
  write_answer_head(response_, client,
                    {.date = date(), .closes = client.closes_after, .as_chunks = as_chunks}, out);
  if (out.overflowed() || out.bytes() > Block::kBytes - kHeadSlack / 2) return bad_answer(client);
  client.socket.produced(out.bytes());
  client.answer_head_bytes = static_cast<std::uint32_t>(out.bytes());
  client.status = static_cast<std::uint16_t>(response_.status);
  client.upstream->keeps_alive = response_.keep_alive;
  client.exchange().down.start({.from = framing,
                                .as_chunks = as_chunks,
                                .pipes = &pipes_,
                                .ends_sink = client.closes_after});
  client.answer_started = true;
  if (client.note) client.note->head_us = now_us_;
  client.moved_at = now_;
  client.socket.release_empty(pool_);  // the head is needed for a retry no more
  if (response_.status >= 500) {
    settle(client, ports::Outcome::State::kError);
    if (!client.facts.is_proof) CounterCell::add(cell_of(client).errors_5xx, 1);
  } else if (client.exchange().outcome.arrival != 0 && is_event_stream(response_)) {
    settle(client, ports::Outcome::State::kOk);
  }
}

/// True when the connection can go on to its next step.
bool WorkerThread::push_answer(Client& client) {
  switch (
      client.exchange().down.run(client.upstream->socket, client.socket, pool_, bounds_.chunks())) {
    case PumpState::kBlocked:
      // What is left to do is the client's reading, which says nothing of the app.
      if (client.exchange().down.source_is_read()) settle(client, ports::Outcome::State::kOk);
      client.upstream->socket.release_empty(pool_);
      return false;
    case PumpState::kYield:
      if (!client.is_queued) queue_.push_back(&client);
      client.is_queued = true;
      return false;
    case PumpState::kDone:
      finish_exchange(client);
      return true;
    case PumpState::kSinkBroken:
      abandon(client);
      return false;
    case PumpState::kSourceEnded:
    case PumpState::kSourceBroken:
    case PumpState::kFaulty:
      note_broken(client);
      if (client.socket.output_pending() >= client.answer_head_bytes) {
        // The client has seen nothing of it: a 502 says more than a connection that ends.
        client.socket.discard_output();
        client.answer_started = false;
        bad_answer(client);
        return true;
      }
      // Never a clean end: whoever counts the bytes or waits for the last chunk sees it.
      note_failure(*client.upstream->target);
      count_failure(client);
      detach(client, false);
      close_client(client, client.answer_until_close);
      return false;
  }
  return false;
}

void WorkerThread::finish_exchange(Client& client) {
  settle(client, ports::Outcome::State::kOk);
  note_success(*client.upstream->target);
  measure(client);
  const bool request_is_whole = client.exchange().up.done();
  const bool is_clean = client.upstream->keeps_alive && !client.upstream->is_draining &&
                        client.upstream->socket.received().empty();
  detach(client, is_clean && request_is_whole);
  if (client.closes_after || !request_is_whole) {
    end_connection(client);
  } else {
    (void)next_request(client);
  }
}

/// The client is gone: the app is told by a closed connection, and nothing is held against it.
void WorkerThread::abandon(Client& client) {
  settle(client, ports::Outcome::State::kLeft);
  detach(client, false);
  close_client(client);
}

void WorkerThread::bad_answer(Client& client) {
  note_failure(*client.upstream->target);
  count_failure(client);
  detach(client, false);
  answer_page(client, page_for(client, table_->site_of_slot(client.slot), 502));
}

bool WorkerThread::may_retry(const Client& client) const {
  const Upstream& upstream = *client.upstream;
  const bool nothing_sent = upstream.socket.output_pending() == upstream.head_bytes;
  const bool head_is_kept = client.socket.moves() == client.head_moves &&
                            client.socket.received_begin() == client.head_end;
  return client.attempts == 0 && head_is_kept && client.exchange().up.source_is_untouched() &&
         client.interim_answers == 0 && !client.answer_started &&
         upstream.socket.received().empty() && (client.facts.is_idempotent || nothing_sent);
}

/// No answer came. The first failure may be tried elsewhere, once; it counts all the same.
void WorkerThread::upstream_failed(Client& client, int status) {
  const bool retries = may_retry(client) && take_retry();
  Target& target = *client.upstream->target;
  if (client.phase == Phase::kConnecting) {
    target.down_until = now_ + static_cast<Millis>(bounds_.down_ms);
  }
  // A stale pooled connection says nothing about the instance: the same one may be asked again.
  client.avoided = client.upstream->is_reused ? nullptr : &target;
  if (!client.upstream->is_reused) note_failure(target);
  if (client.phase == Phase::kExchange && !client.upstream->is_reused) note_broken(client);
  count_failure(client);
  detach(client, false);
  if (retries) return retry(client);
  answer_page(client, page_for(client, table_->site_of_slot(client.slot), status));
}

/// Retries are for single failures: when much fails they would only double the load.
bool WorkerThread::take_retry() {
  if (retry_tokens_ < 100) {
    hit(&Bounds::retry_burst_max);
    return false;
  }
  retry_tokens_ -= 100;
  return true;
}

/// A page of one release may ask for an asset while the other answers: the name says which build it
/// is of, so whoever has it may give it.
bool WorkerThread::lacks_asset(const Client& client) const {
  return client.facts.may_ask_other && client.lacking == 0 &&
         client.socket.moves() == client.head_moves &&
         client.socket.received_begin() == client.head_end && client.interim_answers == 0;
}

void WorkerThread::ask_other(Client& client) {
  settle(client, ports::Outcome::State::kOk);  // the release has answered
  client.lacking = client.release;
  detach(client, false);           // its page for 404 is not read
  client.exchange().up.start({});  // there is no body; the head goes out again
  dispatch_again(client);
  // A kept connection is writable already: no event will say so.
  if (!client.is_queued) queue_.push_back(&client);
  client.is_queued = true;
}

void WorkerThread::retry(Client& client) {
  ++client.attempts;
  // What the pump took was still in the block; begin the body anew.
  http1::Request& request = request_;
  const std::string_view head = client.socket.block_view(client.head_begin, client.head_end);
  if (http1::parse_request(head, request) != http1::Fault::kNone) {
    return answer_fault(client, http1::Fault::kMalformed);  // cannot be: it was read before
  }
  client.exchange().up.start(upload_of(client, request));
  dispatch(client, request);
}

/// Ends the client's share of its upstream connection; the request is no longer in flight.
void WorkerThread::detach(Client& client, bool keep) {
  Upstream& upstream = *client.upstream;
  CounterCell& cell = cell_of(client);
  if (client.tunnel) CounterCell::add(cell.websockets, static_cast<std::uint64_t>(-1));
  CounterCell::add(cell.in_flight, static_cast<std::uint64_t>(-1));
  --upstream.target->in_flight;
  client.upstream = nullptr;
  upstream.client = nullptr;
  pool_or_close(upstream, keep);
}

/// A body taken by its length may leave what an app sent behind it in the kernel.
bool is_emptied(Socket& socket) {
  if (socket.readable) socket.readable = !is_alive(socket);
  return !socket.readable;
}

void WorkerThread::pool_or_close(Upstream& upstream, bool keep) {
  Target& target = *upstream.target;
  const bool may_stay = keep && !upstream.socket.hung_up && !is_finishing_ &&
                        table_->uses(target.id) && bounds_.pool_connections_max > 0;
  if (!may_stay || !is_emptied(upstream.socket)) return close_upstream(upstream);
  // The oldest leaves, not this one: what must not be repeated may only use a fresh one.
  if (target.idle.size() >= bounds_.pool_connections_max) close_upstream(*target.idle.front());
  upstream.socket.release_empty(pool_);
  upstream.idle_since = now_;
  target.idle.push_back(&upstream);
  set_deadline(upstream, bounds_.pool_idle_ms_max);
}

void WorkerThread::close_upstream(Upstream& upstream) {
  wheel_.remove(upstream);
  std::erase(upstream.target->idle, &upstream);
  upstream.socket.close(pool_);
  dead_upstreams_.emplace_back(&upstream);
}

}  // namespace ecluse::gateway
