// Reading requests and deciding where they go.
#include <sodium.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "gateway/hashed_asset.h"
#include "gateway/heads.h"
#include "gateway/http1_chars.h"
#include "gateway/worker_thread.h"

namespace ecluse::gateway {

namespace {
constexpr std::uint32_t kMillion = 1'000'000;
}  // namespace

namespace {
/// What it waits for comes from the app, most likely at once. A connection that carries one
/// request then never enters the epoll set; review_exchange() puts it there if the app is slow.
bool waits_for_app_only(const Client& client) {
  const bool is_in_exchange =
      client.phase == Phase::kExchange || client.phase == Phase::kConnecting;
  return is_in_exchange && client.exchange().up.source_is_consumed() && client.socket.writable;
}
}  // namespace

void WorkerThread::advance(Client& client) {
  constexpr int kStepsMax = 64;  // a flood of pipelined requests waits its turn
  for (int i = 0; i < kStepsMax; ++i) {
    if (step(client)) continue;
    const bool must_watch =
        client.phase != Phase::kClosed && !client.socket.is_watched && !waits_for_app_only(client);
    if (must_watch && !watch_client(client)) close_client(client);
    return;
  }
  if (client.phase == Phase::kClosed || client.is_queued) return;
  client.is_queued = true;
  queue_.push_back(&client);
}

/// One step of a connection; false when it waits for an event.
bool WorkerThread::step(Client& client) {
  switch (client.phase) {
    case Phase::kHandshake:
      return run_handshake(client);
    case Phase::kHead:
      return read_head(client);
    case Phase::kConnecting:
      return check_connected(client);
    case Phase::kExchange:
      return run_exchange(client);
    case Phase::kTunnel:
      return run_tunnel(client);
    case Phase::kHttp2:
      return run_http2(client);
    case Phase::kFile:
      return run_file(client);
    case Phase::kFlush:
      return run_flush(client);
    case Phase::kLinger:
      return run_linger(client);
    case Phase::kHeld:
      // Waiting requests cost descriptors only while their clients wait too. One that has merely
      // said all it will say still waits.
      if (client.socket.was_reset) close_client(client);
      return false;
    case Phase::kClosed:
      return false;
  }
  return false;
}

bool WorkerThread::read_head(Client& client) {
  if (client.stream_fault != http1::Fault::kNone) {
    answer_fault(client, client.stream_fault);
    return true;
  }
  for (;;) {
    const std::string_view bytes = client.socket.received();
    if (!bytes.empty()) {
      switch (client.scanner.scan(bytes, bounds_.head())) {
        case http1::HeadScanner::State::kComplete:
          return begin_request(client);
        case http1::HeadScanner::State::kFault:
          answer_fault(client, client.scanner.fault());
          return true;
        case http1::HeadScanner::State::kMore:
          if (client.phase_since == 0) {
            client.phase_since = now_;
            set_deadline(client, bounds_.head_ms_max);
          }
          break;
      }
    }
    const Io io = client.socket.fill(pool_);
    if (io == Io::kProgress) continue;
    if (io == Io::kBlocked) {
      client.socket.release_empty(pool_);
      return false;
    }
    if (io == Io::kEnd && !client.socket.received().empty()) {
      answer_fault(client, http1::Fault::kMalformed);  // half a head
      return true;
    }
    close_client(client);
    return false;
  }
}

/// How the request's body goes to the app. A stream has bare bytes and an end where HTTP/1 has
/// chunks.
PumpPlan WorkerThread::upload_of(const Client& client, const http1::Request& request) {
  const bool is_chunked = request.framing.kind == http1::BodyKind::kChunked;
  PumpPlan plan{.from = request.framing,
                .as_chunks = is_chunked,
                .bytes_max = bounds_.body_bytes_max,
                .pipes = &pipes_};
  if (client.is_stream && is_chunked) plan.from = {http1::BodyKind::kUntilClose, 0};
  return plan;
}

void WorkerThread::lend_exchange(Client& client) {
  if (client.lent || spare_exchanges_.empty()) return;  // then one is made
  client.lent = std::move(spare_exchanges_.back());
  spare_exchanges_.pop_back();
}

void WorkerThread::take_exchange_back(Client& client) {
  constexpr std::size_t kSparesMax = 512;
  if (!client.lent || spare_exchanges_.size() == kSparesMax) return client.lent.reset();
  *client.lent = Exchange();
  spare_exchanges_.push_back(std::move(client.lent));
}

bool WorkerThread::begin_request(Client& client) {
  Socket& socket = client.socket;
  const std::size_t base = socket.received_begin();
  client.head_begin = static_cast<std::uint32_t>(base + client.scanner.head_begin());
  client.head_end = static_cast<std::uint32_t>(base + client.scanner.head_end());
  client.head_moves = socket.moves();
  const std::string_view head = socket.block_view(client.head_begin, client.head_end);
  socket.consume(client.scanner.head_end());
  client.is_first = false;
  client.phase_since = client.moved_at = now_;
  client.began_us = now_us_;
  client.status = 0;
  const http1::Fault fault = http1::parse_request(head, request_);
  const bool is_read = fault == http1::Fault::kNone;
  const bool lacks_tls = is_read && request_.names_https && !client.is_secure;
  if (!is_read || lacks_tls) {
    answer_fault(client, lacks_tls ? http1::Fault::kMalformed : fault);
    return true;
  }
  client.facts = {.is_head = request_.is_head(),
                  .is_idempotent = request_.is_idempotent(),
                  .is_http10 = request_.version_minor == 0,
                  .expects_continue = request_.expects_continue,
                  .wants_websocket = request_.wants_websocket};
  if (context_.log != nullptr && context_.log->is_on() && context_.log->picks(prng_.next())) {
    begin_note(client, request_);
  }
  client.closes_after = is_finishing_ || client.is_stream || !request_.keep_alive;
  lend_exchange(client);
  client.exchange().up.start(upload_of(client, request_));
  if (request_.framing.length > bounds_.body_bytes_max) {
    answer_fault(client, http1::Fault::kBodyTooLarge);
    return true;
  }
  if (exceeds_rate(client)) {
    client.closes_after = client.closes_after || client.is_over_limit;
    answer_page(client, page_of(429));
    return true;
  }
  dispatch(client, request_);
  return true;
}

/// An address that has more than its share hears 429, whatever it asks for.
bool WorkerThread::exceeds_rate(const Client& client) {
  if (client.is_over_limit) {
    hit(&Bounds::address_connections_max);
    return true;
  }
  const std::uint64_t most = bounds_.address_requests_per_s_max;
  if (most == 0 || context_.ledger->request(ledger_key(client.address), most, now_)) return false;
  hit(&Bounds::address_requests_per_s_max);
  return true;
}

void WorkerThread::dispatch(Client& client, const http1::Request& request) {
  if (answer_challenge(client, request)) return;
  if (hops_left(request) == 0) return answer_page(client, page_of(200));
  std::array<char, 256> lower{};
  std::ranges::transform(request.host, lower.begin(), http1::to_lower);
  std::string_view host(lower.data(), request.host.size());
  if (host.ends_with('.')) host.remove_suffix(1);  // "example.org." is the same name
  if (is_misdirected(client, host)) return answer_page(client, page_of(421));
  const SiteRoute* const site = table_->find(host, client.listener_port);
  if (site == nullptr) return answer_page(client, unknown_host_page());
  client.facts.shows_release = site->show_release;
  if (!site->pages.empty()) client.facts.html = html_wish(request.fields);
  if (client.is_secure) client.facts.hsts_s = site->hsts_s;
  const std::string_view token = request.fields.value_of(http1::FieldId::kOverride);
  if (!token.empty()) {
    const auto release = verify_override(context_.override_key, OverrideUse::kField, site->name,
                                         token, std::time(nullptr));
    const ArmRoute* const arm = release ? site->find_arm(*release) : nullptr;
    if (arm != nullptr) {
      client.facts.is_proof = client.facts.is_chosen = client.facts.shows_release = true;
      if (serve_file(client, request, *site, *arm)) return;
      if (site->trial != kNoTrial) note_arrival(client, *site, *arm);
      return forward(client, request, *site, *arm, false);
    }
  }
  if (answers_itself(client, request, *site, host)) return;
  const ArmRoute* const arm = arm_of(client, request, *site);
  if (arm == nullptr) return answer_page(client, nothing_deployed_page());
  if (serve_file(client, request, *site, *arm)) return;
  if (site->trial != kNoTrial) note_arrival(client, *site, *arm);
  forward(client, request, *site, *arm, true);
}

namespace {
bool is_authorized(const http1::Request& request, const SiteRoute& site) {
  if (site.authorization.empty()) return true;
  constexpr std::string_view kScheme = "Basic ";  // in any case: RFC 9110 section 11.1
  std::string_view given = request.fields.value_of(http1::FieldId::kAuthorization);
  if (!http1::equal_ignoring_case(given.substr(0, kScheme.size()), kScheme)) return false;
  given.remove_prefix(kScheme.size());
  const std::string_view wanted = std::string_view(site.authorization).substr(kScheme.size());
  return given.size() == wanted.size() &&
         sodium_memcmp(given.data(), wanted.data(), wanted.size()) == 0;
}
}  // namespace

/// Redirects, refusals, maintenance and hold: true when the app is not asked now.
bool WorkerThread::answers_itself(Client& client, const http1::Request& request,
                                  const SiteRoute& site, std::string_view host) {
  if (const auto redirect = site.redirects.find(host); redirect != site.redirects.end()) {
    answer_redirect(client, request, site, redirect->second);
    return true;
  }
  if (redirects_to_https(client, site)) {
    answer_redirect(client, request, site, host);
    return true;
  }
  if (!site.admits(client.address)) {
    answer_page(client, page_of(403));
    return true;
  }
  if (!is_authorized(request, site)) {
    answer_page(client, page_of(401), "WWW-Authenticate: Basic realm=\"ecluse\"\r\n");
    return true;
  }
  switch (site.mode) {
    case ports::SiteMode::kServe:
      return false;
    case ports::SiteMode::kHold:
      if (site.is_health_path(request.target)) {
        answer_page(client, held_but_well_page());
      } else {
        hold(client, request);
      }
      return true;
    case ports::SiteMode::kMaintenance:
      answer_page(client, page_for(client, &site, kMaintenancePage));
      return true;
  }
  return false;
}

void WorkerThread::use_cohort(Client& client, const http1::Request& request) {
  const std::string_view known = cookie_value(request.fields, kClientCookie);
  const bool is_ours =
      known.size() == client.exchange().client_id.size() && std::ranges::all_of(known, [](char c) {
        return http1::is_digit(c) || (c >= 'a' && c <= 'f');
      });
  if (is_ours) {
    std::ranges::copy(known, client.exchange().client_id.begin());
    return;
  }
  if (client.facts.sets_client_cookie) return;  // made by the first attempt
  std::array<unsigned char, 16> random{};
  randombytes_buf(random.data(), random.size());
  std::array<char, 33> hex{};
  sodium_bin2hex(hex.data(), hex.size(), random.data(), random.size());
  auto& made = client.exchange().client_id;
  std::copy_n(hex.begin(), made.size(), made.begin());
  client.facts.sets_client_cookie = true;
}

const ArmRoute* WorkerThread::choose_arm(Client& client, const http1::Request& request,
                                         const SiteRoute& site) {
  if (site.arms.empty()) return nullptr;
  if (!site.sticky) {
    return site.arm_at(site.arms.size() == 1 ? 0
                                             : static_cast<std::uint32_t>(prng_.below(kMillion)));
  }
  use_cohort(client, request);
  return site.arm_at(site.cohort_point(client.exchange().client_id_text()));
}

/// What a tester's cookie says, what an asset needs that one release lacks, or the weights. Unlike
/// our own header, the cookie opens no door: password, addresses and hold hold for it too.
const ArmRoute* WorkerThread::arm_of(Client& client, const http1::Request& request,
                                     const SiteRoute& site) {
  if (site.arms.size() > 1) {
    const std::string_view token = cookie_value(request.fields, kOverrideCookie);
    const auto release = token.empty()
                             ? std::nullopt
                             : verify_override(context_.override_key, OverrideUse::kCookie,
                                               site.name, token, std::time(nullptr));
    const ArmRoute* const chosen = release ? site.find_arm(*release) : nullptr;
    client.facts.is_chosen = chosen != nullptr;
    if (chosen != nullptr) return chosen;
    const ArmRoute* const other = client.lacking != 0 ? site.other_than(client.lacking) : nullptr;
    if (other != nullptr) return other;
    client.facts.may_ask_other = client.lacking == 0 && request.is_idempotent() &&
                                 request.framing.kind == http1::BodyKind::kNone &&
                                 is_hashed_asset(request.target);
  }
  return choose_arm(client, request, site);
}

namespace {
std::string_view path_of(const http1::Request& request) {
  return request.needs_slash ? std::string_view("/") : request.target;
}
}  // namespace

void WorkerThread::forward(Client& client, const http1::Request& request, const SiteRoute& site,
                           const ArmRoute& arm, bool may_leave_arm) {
  if (arm.backend_for(path_of(request)) == nullptr) {
    settle(client, ports::Outcome::State::kOk);
    return answer_page(client, page_of(404));
  }
  if (try_arm(client, request, site, arm, Avoided::kNo)) return;
  // Its instances are red. People are served by the other arm; the judge hears of the failure.
  if (client.attempts == 0) {
    client.slot = arm.slot;
    count_failure(client);
  }
  for (const ArmRoute& other : site.arms) {
    const bool is_other = may_leave_arm && &other != &arm && other.weight_ppm > 0;
    if (is_other && try_arm(client, request, site, other, Avoided::kNo)) return;
  }
  if (try_arm(client, request, site, arm, Avoided::kYes)) return;
  answer_page(client, page_for(client, &site, 503));
}

/// An upgrade that the route does not allow is passed over, as any server may (RFC 9110 section
/// 7.8): the app hears an ordinary request, and what it answers is no WebSocket.
void WorkerThread::permit_upgrade(Client& client, const http1::Request& request,
                                  const BackendRoute& backend) {
  if (!request.wants_websocket) return;
  client.facts.wants_websocket = backend.allows_websocket(path_of(request));
  if (!client.facts.wants_websocket && client.attempts == 0) hit(Refusal::kWebsocket);
}

/// False when no instance of the arm may be asked.
bool WorkerThread::try_arm(Client& client, const http1::Request& request, const SiteRoute& site,
                           const ArmRoute& arm, Avoided avoided) {
  const BackendRoute* const backend = arm.backend_for(path_of(request));
  Target* const target = backend == nullptr ? nullptr : pick(client, request, *backend, arm.slot);
  if (target == nullptr) return false;
  if (target == client.avoided && avoided == Avoided::kNo) return false;
  client.slot = arm.slot;
  client.release = arm.release;
  permit_upgrade(client, request, *backend);
  start_attempt(client, request, site, *target);
  return true;
}

/// What a request makes us keep while it is held. Of a connection no more is read than is there; an
/// HTTP/2 client may fill the window of its stream meanwhile.
std::uint32_t WorkerThread::bytes_to_hold(const Client& client, const http1::Request& request) {
  std::uint64_t body = client.socket.received().size();
  if (client.is_stream) {
    const bool has_length = request.framing.kind == http1::BodyKind::kLength;
    const bool has_body = request.framing.kind != http1::BodyKind::kNone;
    const std::uint64_t most = has_length ? request.framing.length : bounds_.http2_window_bytes;
    body = has_body ? std::min(most, bounds_.http2_window_bytes) : 0;
  }
  return static_cast<std::uint32_t>(client.head_end - client.head_begin + body);
}

void WorkerThread::hold(Client& client, const http1::Request& request) {
  const auto share = [&](std::uint64_t bound) {
    return std::max<std::uint64_t>(1, bound / context_.threads);
  };
  const std::uint32_t bytes = bytes_to_hold(client, request);
  const bool is_crowded = held_.size() >= share(bounds_.hold_requests_max);
  if (is_crowded || held_bytes_ + bytes > share(bounds_.hold_bytes_max)) {
    hit(is_crowded ? &Bounds::hold_requests_max : &Bounds::hold_bytes_max);
    return answer_page(client, page_of(503));
  }
  client.phase = Phase::kHeld;
  client.held_bytes = bytes;
  held_.push_back(&client);
  held_bytes_ += bytes;
  set_deadline(client, bounds_.hold_ms_max);
}

void WorkerThread::let_go(Client& client) {
  std::erase(held_, &client);
  held_bytes_ -= client.held_bytes;
}

/// After a swap: whoever waited is dispatched by the new table, which may hold it again.
void WorkerThread::release_held() {
  std::vector<Client*> waiting;
  waiting.swap(held_);
  held_bytes_ = 0;
  for (Client* const client : waiting) {
    dispatch_again(*client);
    advance(*client);
  }
}

/// Reads the kept head again: the table may be another one, or the first target failed.
void WorkerThread::dispatch_again(Client& client) {
  const Millis held_until = client.deadline;
  const bool was_held = client.phase == Phase::kHeld;
  const std::string_view head = client.socket.block_view(client.head_begin, client.head_end);
  if (http1::parse_request(head, request_) != http1::Fault::kNone) {
    return answer_fault(client, http1::Fault::kMalformed);  // cannot be: it was read before
  }
  dispatch(client, request_);
  if (was_held && client.phase == Phase::kHeld) wheel_.set(client, held_until);
}

void WorkerThread::answer_fault(Client& client, http1::Fault fault) {
  client.closes_after = true;
  hit_fault(client, fault);
  answer_page(client, page_of(http1::status_of(fault)));
}

/// To the same path on `host`, by HTTPS where the site wants it or the client came by it.
void WorkerThread::answer_redirect(Client& client, const http1::Request& request,
                                   const SiteRoute& site, std::string_view host) {
  constexpr std::uint16_t kHttpsPort = 443;
  std::array<char, 512 + 16384> room;
  HeadWriter fields(room);
  if (redirects_to_https(client, site)) {
    fields.text("Location: https://").text(host);
    if (tls_port() != kHttpsPort) fields.text(":").number(tls_port());
  } else {
    const std::string_view port = request.authority.substr(request.host.size());
    fields.text(client.is_secure ? "Location: https://" : "Location: http://");
    fields.text(host).text(port);
  }
  const bool names_a_path = request.target != "*";
  if (names_a_path) fields.text(request.needs_slash ? "/" : "").text(request.target);
  fields.text("\r\n");
  if (fields.overflowed()) return answer_page(client, page_of(414));
  answer_page(client, page_of(308), {room.data(), fields.bytes()});
}

std::string_view WorkerThread::date() {
  const std::int64_t now_s = std::time(nullptr);
  if (now_s != date_s_) {
    date_s_ = now_s;
    tm parts{};
    (void)::gmtime_r(&now_s, &parts);  // cannot fail for a time of ours
    (void)std::strftime(date_text_.data(), date_text_.size(), "%a, %d %b %Y %H:%M:%S GMT",
                        &parts);  // 29 characters always
  }
  return {date_text_.data(), 29};
}

void WorkerThread::answer_page(Client& client, const Page& page, std::string_view extra_fields) {
  answer(client, page, "text/html; charset=utf-8", html_of(page), extra_fields);
}

/// Our own answer: a complete one, with its length, and never from a cache.
void WorkerThread::answer(Client& client, const Page& page, std::string_view type,
                          std::string_view body, std::string_view extra_fields) {
  Socket& socket = client.socket;
  HeadWriter out(socket.output_room(pool_));
  // What of the request's body was not read must not be taken for the next request.
  client.closes_after = client.closes_after || !client.exchange().up.source_is_consumed();
  out.text("HTTP/1.1 ").number(static_cast<std::uint64_t>(page.status)).text(" ");
  out.text(reason_of(page.status)).text("\r\n").field("Date", date());
  out.field("Content-Type", type).field("Content-Length", body.size());
  out.field("Cache-Control", "no-store");
  if (page.retry_after_s > 0) {
    out.field("Retry-After", static_cast<std::uint64_t>(page.retry_after_s));
  }
  if (client.facts.hsts_s > 0) {
    out.text("Strict-Transport-Security: max-age=").number(client.facts.hsts_s).text("\r\n");
  }
  out.text(extra_fields);
  if (client.closes_after) {
    out.text("Connection: close\r\n");
  } else if (client.facts.is_http10) {
    out.text("Connection: keep-alive\r\n");
  }
  out.end();
  if (!client.facts.is_head) out.text(body);
  client.phase = Phase::kFlush;
  client.status = static_cast<std::uint16_t>(page.status);
  if (out.overflowed()) return close_client(client);
  socket.produced(out.bytes());
  set_deadline(client, bounds_.stall_ms_max);
}

std::string_view WorkerThread::request_id() {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (std::size_t i = 0; i < id_text_.size(); i += 16) {
    std::uint64_t bits = prng_.next();
    for (std::size_t j = 0; j < 16; ++j, bits >>= 4) id_text_[i + j] = kHex[bits & 15];
  }
  return {id_text_.data(), id_text_.size()};
}

}  // namespace ecluse::gateway
