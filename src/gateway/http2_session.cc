#include "gateway/http2_session.h"

#include <nghttp2/nghttp2.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "gateway/http2_answer.h"
#include "gateway/http2_callbacks.h"
#include "gateway/websocket_key.h"

namespace ecluse::gateway::http2 {

namespace {
constexpr std::int64_t kWindowMs = 1000;
constexpr std::size_t kInboxKeptBytes = 4096;

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}
}  // namespace

// ---- The session --------------------------------------------------------------------------------

std::unique_ptr<Session> Session::start(Client& connection, Host& host, BlockPool& pool,
                                        const SessionBounds& bounds) {
  std::unique_ptr<Session> session(new Session(connection, host, pool, bounds));
  return session->configure() ? std::move(session) : nullptr;
}

bool Session::configure() {
  if (callbacks() == nullptr || options() == nullptr ||
      ::nghttp2_session_server_new2(&session_, callbacks(), this, options()) != 0) {
    return false;
  }
  const std::array<nghttp2_settings_entry, 5> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, bounds_.streams_max},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, bounds_.window_bytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
       static_cast<std::uint32_t>(bounds_.head.head_bytes_max)},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  return ::nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) ==
         0;
}

Session::~Session() {
  for (Stream* const stream : streams_) {
    const std::unique_ptr<Stream> owned(stream);
    if (stream->outbox != nullptr) pool_.release(stream->outbox);
  }
  ::nghttp2_session_del(session_);
}

bool Session::receive(std::string_view bytes, std::int64_t now_ms) {
  now_ms_ = now_ms;
  bool goes_on = true;
  while (goes_on && !bytes.empty()) {
    const std::size_t n = frames_.pass(bytes);
    // An empty frame may itself be what closes its stream.
    const bool was_open = frames_.has_head() && is_open(frames_.head().stream);
    goes_on = take_in(bytes.substr(0, n));
    if (goes_on && frames_.has_head()) review(frames_.head(), was_open);
    bytes.remove_prefix(n);
  }
  host_.wants_flush(connection_);
  return goes_on && !is_ended_;
}

/// False: it was no HTTP/2, a flood, or out of memory; a GOAWAY may be waiting.
bool Session::take_in(std::string_view bytes) {
  const ssize_t taken = ::nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  // It counts what it must answer by itself, and may have had enough before us.
  if (taken == NGHTTP2_ERR_FLOODED) host_.hit(&Bounds::http2_control_frames_per_s_max);
  return taken >= 0 && !is_ended_;
}

/// What nghttp2 passes over. The resets are counted, so that they are no work without end.
void Session::review(const FrameHeads::Head& head, bool was_open) {
  if (head.type == FrameHeads::kPriority && head.named == head.stream) {
    return end_by(NGHTTP2_PROTOCOL_ERROR);
  }
  if (head.type == FrameHeads::kData && !was_open && !is_open(head.stream) &&
      closed_.was(head.stream) == ClosedStreams::Was::kEndedByPeer) {
    (void)refuse(head.stream, NGHTTP2_STREAM_CLOSED);
  }
}

bool Session::is_done() const {
  return leftover_.empty() && ::nghttp2_session_want_read(session_) == 0 &&
         ::nghttp2_session_want_write(session_) == 0;
}

void Session::announce_shutdown() {
  if (is_shutting_down_) return;
  is_shutting_down_ = true;
  // Out of memory is the only failure: then the second step comes by its timer.
  (void)::nghttp2_submit_shutdown_notice(session_);
  (void)::nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, kGoodbyePing.data());
  host_.wants_flush(connection_);
}

void Session::on_ping_answered() {
  if (is_shutting_down_) finish_shutdown();
}

void Session::finish_shutdown() {
  if (std::exchange(is_finished_, true)) return;
  (void)::nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                                ::nghttp2_session_get_last_proc_stream_id(session_),
                                NGHTTP2_NO_ERROR, nullptr, 0);
  host_.wants_flush(connection_);
}

bool Session::give_up_still_streams() {
  const auto streams = streams_;  // a copy: a reset may take one out
  for (Stream* const stream : streams) {
    if (stream->client != nullptr) continue;
    const bool is_still = stream->seen_bytes == stream->sent_bytes + 1;
    stream->seen_bytes = stream->sent_bytes + 1;
    if (!is_still) continue;
    if (!stream->has_request) return false;
    host_.hit(&Bounds::stall_ms_max);
    (void)refuse(stream->id, NGHTTP2_CANCEL);
    host_.wants_flush(connection_);
  }
  return true;
}

/// Whoever floods is told so, once, and nothing more of it is looked at.
void Session::calm_down(std::uint64_t Bounds::* bound) {
  if (!is_ended_) host_.hit(bound);
  end_by(NGHTTP2_ENHANCE_YOUR_CALM);
}

void Session::end_by(std::uint32_t code) {
  if (std::exchange(is_ended_, true)) return;
  (void)::nghttp2_session_terminate_session(session_, code);
}

void Session::count(std::uint32_t& events, std::uint32_t max, std::uint64_t Bounds::* bound) {
  if (now_ms_ - window_began_ms_ >= kWindowMs) {
    window_began_ms_ = now_ms_;
    control_frames_ = resets_ = 0;
  }
  if (++events > max) calm_down(bound);
}

void Session::count_control_frame() {
  count(control_frames_, bounds_.control_frames_max, &Bounds::http2_control_frames_per_s_max);
}

/// A client that reads answers widens two windows for each frame it took, and those of a request
/// that it begins. What nothing of ours called for is a flood like any other.
void Session::count_window_update() {
  if (window_updates_due_ > 0) {
    --window_updates_due_;
  } else {
    count_control_frame();
  }
}

void Session::expect_window_updates() {
  constexpr std::uint32_t kWindows = 2;  // of the stream and of the connection
  constexpr std::uint32_t kDueMax = 10'000;
  window_updates_due_ = std::min(window_updates_due_ + kWindows, kDueMax);
}

/// Rapid reset (CVE-2023-44487), and streams that we are made to reset (CVE-2025-8671).
void Session::count_reset() {
  count(resets_, bounds_.resets_max, &Bounds::http2_resets_per_s_max);
}

/// By us or, of a client that has not read our settings yet, by nghttp2.
void Session::on_refused() {
  if (streams_.size() >= bounds_.streams_max) host_.hit(&Bounds::http2_streams_max);
}

Stream* Session::find(std::int32_t id) const {
  return static_cast<Stream*>(::nghttp2_session_get_stream_user_data(session_, id));
}

int Session::refuse(std::int32_t id, std::uint32_t code) {
  (void)::nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, code);
  return 0;
}

// ---- Requests come ------------------------------------------------------------------------------

/// HEADERS on a stream that is not open: nghttp2 passes over what RFC 9113 calls a fault of the
/// connection.
void Session::on_head_of_no_stream(std::int32_t id) {
  switch (closed_.was(id)) {
    case ClosedStreams::Was::kOpenOrForgotten:
    case ClosedStreams::Was::kClosedByUs:
      return;
    case ClosedStreams::Was::kEndedByPeer:
      return end_by(NGHTTP2_STREAM_CLOSED);
    case ClosedStreams::Was::kNeverOpened:
      return end_by(NGHTTP2_PROTOCOL_ERROR);
  }
}

void Session::on_priority_of_nothing() {
  end_by(NGHTTP2_PROTOCOL_ERROR);
}

void Session::on_peer_reset(std::int32_t id) {
  count_reset();
  if (Stream* const stream = find(id)) stream->peer_ended = true;
}

int Session::on_request_begins(std::int32_t id) {
  closed_.note_opened(id);
  // A client may open more before it has read our settings.
  if (is_ended_ || streams_.size() >= bounds_.streams_max) {
    return refuse(id, NGHTTP2_REFUSED_STREAM);
  }
  auto stream = std::make_unique<Stream>(bounds_.head);
  stream->id = id;
  stream->session = this;
  if (::nghttp2_session_set_stream_user_data(session_, id, stream.get()) != 0) return 0;
  streams_.insert(stream.release());  // owned until on_closed()
  ++requests_;
  expect_window_updates();
  return 0;
}

int Session::on_field(std::int32_t id, std::string_view name, std::string_view value) {
  constexpr std::size_t kBombFactor = 8;
  Stream* const stream = find(id);
  if (stream == nullptr) return 0;
  if (stream->has_request) {
    // Trailers are dropped; one that looks like a pseudo-header is refused by nghttp2.
    stream->request.pass_over(name, value);
  } else {
    stream->request.add(name, value);
  }
  if (stream->request.bytes() <= kBombFactor * bounds_.head.head_bytes_max) return 0;
  calm_down(&Bounds::head_bytes_max);  // a few bytes of HPACK that mean megabytes
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

namespace {
http1::Fault fault_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kGood:
      return http1::Fault::kNone;
    case Verdict::kMalformed:
      return http1::Fault::kMalformed;
    case Verdict::kTooLarge:
      return http1::Fault::kHeadTooLarge;
    case Verdict::kTargetTooLong:
      return http1::Fault::kTargetTooLong;
    case Verdict::kNotImplemented:
      return http1::Fault::kNotImplemented;
  }
  return http1::Fault::kMalformed;
}
}  // namespace

int Session::on_request_whole(std::int32_t id, bool ends) {
  Stream* const stream = find(id);
  if (stream == nullptr || is_ended_) return 0;
  stream->has_request = true;
  stream->wants_websocket = stream->request.wants_websocket();
  std::string key;
  if (stream->wants_websocket) {
    key = random_websocket_key();
    stream->websocket_accept = websocket_accept_of(key);
  }
  const Verdict verdict = stream->request.finish(ends, key, stream->inbox);
  stream->body_left = stream->request.length();
  stream->request = RequestHead(bounds_.head);
  if (verdict == Verdict::kMalformed) return refuse(id, NGHTTP2_PROTOCOL_ERROR);
  stream->fault = fault_of(verdict);
  stream->head_left = stream->inbox.size();
  stream->peer_ended = ends;
  if (!host_.open_stream(connection_, *stream)) return refuse(id, NGHTTP2_REFUSED_STREAM);
  wake(*stream, EPOLLIN | EPOLLOUT);
  return 0;
}

int Session::on_data(std::int32_t id, std::string_view bytes) {
  // Failures mean an unknown stream, or no memory for a WINDOW_UPDATE, which the next one makes up.
  (void)::nghttp2_session_consume_connection(session_, bytes.size());
  Stream* const stream = find(id);
  if (stream == nullptr) return 0;
  if (stream->body_left)
    *stream->body_left -= std::min<std::uint64_t>(*stream->body_left, bytes.size());
  if (stream->client == nullptr) return 0;  // its window stays shut
  stream->inbox.append(bytes);
  wake(*stream, EPOLLIN);
  return 0;
}

void Session::on_peer_ended(std::int32_t id) {
  Stream* const stream = find(id);
  if (stream == nullptr) return;
  stream->peer_ended = true;
  wake(*stream, EPOLLIN);
}

void Session::on_closed(std::int32_t id) {
  Stream* const stream = find(id);
  closed_.note_closed(id, stream != nullptr && stream->peer_ended);
  if (stream == nullptr) return;
  stream->was_reset = true;
  if (stream->client != nullptr) {
    wake(*stream, EPOLLHUP | EPOLLERR);
    stream->id = 0;  // its client still points here: leave() frees it
    return;
  }
  const std::unique_ptr<Stream> owned(stream);
  streams_.erase(stream);
  if (stream->is_dirty) std::erase(dirty_, stream);
  if (stream->outbox != nullptr) pool_.release(stream->outbox);
}

void Session::wake(Stream& stream, std::uint32_t events) {
  if (stream.client == nullptr) return;
  stream.socket->note_events(events);
  host_.wake(*stream.client);
}

void Session::touch(Stream& stream) {
  if (!std::exchange(stream.is_dirty, true)) dirty_.push_back(&stream);
  host_.wants_flush(connection_);
}

// ---- The transport of a stream ------------------------------------------------------------------

namespace {
class StreamTransport : public Transport {
 public:
  explicit StreamTransport(Stream& stream) : stream_(stream) {}
  ssize_t read(std::span<char> room) override { return stream_.session->read(stream_, room); }
  ssize_t write(std::span<const iovec> pieces, Next) override {
    return stream_.session->write(stream_, pieces);
  }
  void end_sending() override { stream_.session->end_sending(stream_); }
  void close(bool) override { stream_.session->leave(stream_); }

 private:
  Stream& stream_;  ///< lives at least until leave()
};

ssize_t fails_with(int code) {
  errno = code;
  return -1;
}
}  // namespace

std::unique_ptr<Transport> Session::transport_of(Stream& stream) {
  return std::make_unique<StreamTransport>(stream);
}

ssize_t Session::read(Stream& stream, std::span<char> room) {
  if (stream.was_reset) return fails_with(ECONNRESET);
  const std::size_t waiting = stream.inbox.size() - stream.inbox_begin;
  if (waiting == 0) return stream.peer_ended ? 0 : fails_with(EAGAIN);
  // The head comes alone: body that is taken before anybody wants it would open the window.
  const bool is_head = stream.head_left > 0;
  const std::size_t most = is_head ? std::min(room.size(), stream.head_left) : room.size();
  const std::size_t bytes = stream.inbox.copy(room.data(), most, stream.inbox_begin);
  stream.inbox_begin += bytes;
  if (stream.inbox_begin == stream.inbox.size()) {
    stream.inbox_begin = 0;
    stream.inbox.clear();
    if (stream.inbox.capacity() > kInboxKeptBytes) stream.inbox.shrink_to_fit();
  }
  if (is_head) {
    stream.head_left -= bytes;
  } else if (!stream.peer_ended) {
    (void)::nghttp2_session_consume_stream(session_, stream.id, bytes);
    host_.wants_flush(connection_);
  }
  return static_cast<ssize_t>(bytes);
}

ssize_t Session::write(Stream& stream, std::span<const iovec> pieces) {
  if (stream.was_reset || stream.we_ended) return fails_with(EPIPE);
  std::size_t taken = 0;
  for (const iovec& piece : pieces) {
    const std::string_view bytes(static_cast<const char*>(piece.iov_base), piece.iov_len);
    if (bytes.empty()) continue;
    const std::size_t n = take_answer_bytes(stream, bytes);
    if (stream.was_reset) return fails_with(EPIPE);
    taken += n;
    if (n < bytes.size()) break;
  }
  if (taken == 0) return fails_with(EAGAIN);
  touch(stream);
  return static_cast<ssize_t>(taken);
}

/// Heads come whole, at the front of what is written: as many interim ones as there are, then the
/// final one; all else is the body.
std::size_t Session::take_answer_bytes(Stream& stream, std::string_view bytes) {
  std::size_t taken = 0;
  while (!stream.head_is_final && taken < bytes.size()) {
    taken += take_head(stream, bytes.substr(taken));
    if (stream.was_reset) return taken;
  }
  if (taken == bytes.size()) return taken;
  if (stream.outbox == nullptr) {
    stream.outbox = pool_.acquire();
    stream.out_begin = stream.out_end = 0;
  }
  const std::size_t room = Block::kBytes - stream.out_end;
  const std::size_t n = bytes.substr(taken).copy(stream.outbox->bytes + stream.out_end, room);
  stream.out_end += static_cast<std::uint32_t>(n);
  return taken + n;
}

std::size_t Session::take_head(Stream& stream, std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n") + 4;  // our own heads always have it
  scratch_.assign(bytes.substr(0, end));
  read_answer_head(scratch_, head_);
  if (head_.status < 200 && head_.status != 101) {
    if (!submit_interim(session_, stream.id, head_)) stream.was_reset = true;
    host_.wants_flush(connection_);
    return end;
  }
  if (head_.status == 101 && head_.websocket_accept != stream.websocket_accept) {
    stream.was_reset = true;  // it answered somebody else's handshake
    return end;
  }
  stream.head_is_final = true;
  stream.answer.swap(scratch_);
  return end;
}

/// As late as possible: an answer that is whole by now, and has no body, ends with its head.
void Session::submit_answer(Stream& stream) {
  read_answer_head(stream.answer, head_);
  const bool has_body = !stream.we_ended || stream.out_begin != stream.out_end;
  stream.is_submitted = true;
  if (!submit_final(session_, stream, head_, has_body ? Body::kFollows : Body::kNone)) {
    (void)refuse(stream.id, NGHTTP2_INTERNAL_ERROR);
  }
  stream.answer.clear();
}

void Session::end_sending(Stream& stream) {
  if (stream.was_reset || !stream.head_is_final) return;
  stream.we_ended = true;
  touch(stream);
}

/// The client of the stream is gone. What it has not ended is aborted, never ended cleanly.
void Session::leave(Stream& stream) {
  stream.client = nullptr;
  stream.socket = nullptr;
  if (stream.id == 0) {  // nghttp2 has forgotten it
    const std::unique_ptr<Stream> owned(&stream);
    streams_.erase(&stream);
    if (stream.is_dirty) std::erase(dirty_, &stream);
    if (stream.outbox != nullptr) pool_.release(stream.outbox);
    return;
  }
  const bool ends_soon = stream.we_ended && !stream.end_is_sent;
  if (ends_soon || (stream.we_ended && stream.is_whole())) return;
  const std::uint32_t code = stream.peer_ended ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL;
  (void)refuse(stream.id, stream.we_ended ? std::uint32_t{NGHTTP2_NO_ERROR} : code);
  host_.wants_flush(connection_);
}

// ---- Frames go ----------------------------------------------------------------------------------

void Session::submit_pending() {
  // Submitting makes nobody dirty, but a failure may close a stream, which leaves the list.
  std::vector<Stream*> dirty;
  dirty.swap(dirty_);
  for (Stream* const stream : dirty) stream->is_dirty = false;
  for (Stream* const stream : dirty) {
    if (stream->id == 0) continue;
    if (stream->head_is_final && !stream->is_submitted) submit_answer(*stream);
    if (std::exchange(stream->is_deferred, false)) {
      (void)::nghttp2_session_resume_data(session_, stream->id);  // else it was closed meanwhile
    }
  }
}

ssize_t Session::take_body(Stream& stream, std::size_t bytes_max, std::uint32_t& flags) {
  const std::size_t waiting = stream.out_end - stream.out_begin;
  if (waiting == 0 && !stream.we_ended) {
    stream.is_deferred = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  const std::size_t bytes = std::min(waiting, bytes_max);
  flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (stream.we_ended && bytes == waiting) flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(bytes);
}

int Session::send_body(Stream& stream, std::string_view frame_head, std::size_t bytes) {
  if (sink_->output_room(pool_).size() < frame_head.size() + bytes &&
      (sink_->flush(pool_) != Io::kProgress ||
       sink_->output_room(pool_).size() < frame_head.size() + bytes)) {
    return NGHTTP2_ERR_WOULDBLOCK;
  }
  expect_window_updates();
  (void)sink_->append(frame_head, pool_);  // there is room: see above
  if (bytes > 0) (void)sink_->append({stream.outbox->bytes + stream.out_begin, bytes}, pool_);
  stream.out_begin += static_cast<std::uint32_t>(bytes);
  stream.sent_bytes += bytes;
  if (stream.out_begin != stream.out_end) return 0;
  if (stream.outbox != nullptr) pool_.release(std::exchange(stream.outbox, nullptr));
  stream.out_begin = stream.out_end = 0;
  if (!stream.we_ended) wake(stream, EPOLLOUT);
  return 0;
}

/// The answer is whole. A request of which we do not want the rest is ended, without a fault.
void Session::on_sent_end(std::int32_t id) {
  Stream* const stream = find(id);
  if (stream == nullptr) return;
  stream->end_is_sent = true;
  if (!stream->is_whole() && stream->client == nullptr) (void)refuse(id, NGHTTP2_NO_ERROR);
}

bool Session::send_pending(Socket& socket) {
  while (!leftover_.empty()) {
    const std::size_t room = socket.output_room(pool_).size();
    const std::size_t n = std::min(room, leftover_.size());
    (void)socket.append(leftover_.substr(0, n), pool_);  // there is room for n
    leftover_.remove_prefix(n);
    if (!leftover_.empty() && socket.flush(pool_) != Io::kProgress) return false;
  }
  return true;
}

Io Session::flush(Socket& socket) {
  sink_ = &socket;
  submit_pending();
  while (send_pending(socket)) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = ::nghttp2_session_mem_send(session_, &bytes);
    if (size < 0) return Io::kBroken;  // out of memory
    if (size == 0) break;
    leftover_ = text_of(bytes, static_cast<std::size_t>(size));
  }
  sink_ = nullptr;
  return socket.flush(pool_);
}

}  // namespace ecluse::gateway::http2
