#pragma once
// What a worker thread knows of each connection. Plain state: worker_thread.cc drives it, and one
// thread owns all of it.

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/access_log.h"
#include "gateway/http1_head.h"
#include "gateway/http2_session.h"
#include "gateway/pump.h"
#include "gateway/route_table.h"
#include "gateway/shared_memory.h"
#include "gateway/socket.h"
#include "gateway/timer_wheel.h"
#include "ports/outcomes.h"

namespace ecluse::gateway {

/// What epoll points at.
struct Endpoint {
  enum class Kind : std::uint8_t { kListener, kClient, kUpstream, kMail };
  explicit Endpoint(Kind k) : kind(k) {}
  Kind kind;
};

struct Listener : Endpoint {
  Listener() : Endpoint(Kind::kListener) {}
  os::Fd fd;
  std::uint16_t port = 0;
  bool is_tls = false;
};

class TlsTransport;
struct Upstream;
struct Client;

/// Begins to connect; `error` is 0, EINPROGRESS, or why it cannot be.
os::Fd begin_connect(const sockaddr_in6& to, int& error);

/// One address of one release as this thread sees it: its idle connections and its marks.
struct Target {
  TargetId id = 0;
  sockaddr_in6 address{};
  std::vector<Upstream*> idle;  ///< the latest used is taken first
  std::uint32_t in_flight = 0;
  std::uint32_t slot = 0;  ///< of its release
  std::string instance;
  Millis down_until = 0;        ///< it refused a connection
  std::uint32_t failures = 0;   ///< in a row
  std::uint32_t ejections = 0;  ///< in a row, without a success between them
  Millis ejected_until = 0;
  Millis fresh_since = 0;  ///< it came, or came back: its share grows from here
};

/// A connection to an app: carries one exchange, or waits in its target's pool.
struct Upstream : Endpoint, TimerEntry {
  Upstream() : Endpoint(Kind::kUpstream) {}
  Socket socket;
  Target* target = nullptr;
  Client* client = nullptr;  ///< null: idle in the pool
  http1::HeadScanner scanner{http1::HeadKind::kResponse};
  Millis idle_since = 0;
  std::uint32_t head_bytes = 0;  ///< of the request's head: as long as all wait, none was sent
  bool is_reused = false;
  bool keeps_alive = false;  ///< said by the answer
  bool is_draining = false;
};

enum class Phase : std::uint8_t {
  kHandshake,   ///< of TLS
  kHead,        ///< waits for a request, or reads its head
  kHeld,        ///< the site holds its requests
  kConnecting,  ///< to the target
  kExchange,    ///< bodies and the answer's head are on their way
  kTunnel,      ///< a WebSocket after its 101
  kFile,        ///< sends a file of the release
  kFlush,       ///< writes the rest of an answer, then closes
  kHttp2,       ///< carries streams, which are clients of their own
  kLinger,      ///< has said its last word and reads until the client is done
  kClosed,
};

/// Whether a person reads the answer: what Accept says.
enum class Html : std::uint8_t {
  kNo,     ///< a program, which asks for something else
  kAny,    ///< it takes HTML as well
  kAsked,  ///< it names HTML, as browsers do for pages
};

/// What the rest of a request must know of its head; the head itself may be gone.
struct RequestFacts {
  bool is_head = false;
  bool is_idempotent = false;
  bool is_http10 = false;
  bool expects_continue = false;  ///< and has not heard 100 yet
  bool wants_websocket = false;
  bool shows_release = false;
  bool is_proof = false;       ///< sent by Traffic::ask: not counted as a visitor's
  bool is_chosen = false;      ///< by a signed word, not by the weights
  bool may_ask_other = false;  ///< a hashed asset: another release may have what this one has not
  Html html = Html::kAny;      ///< found only where the site has pages of its own
  bool sets_client_cookie = false;
  bool sets_affinity_cookie = false;
  std::uint32_t hsts_s = 0;  ///< Strict-Transport-Security's max-age; 0: not said
};

/// A file on its way to a client.
struct FileBody {
  os::Fd fd;
  off_t offset = 0;
  std::uint64_t left = 0;
};

struct Tunnel {
  WebsocketFrames from_client;
  WebsocketFrames from_app;
  Millis close_at = 0;  ///< 0: nobody wants it closed
  bool is_closing = false;
};

/// What only a request under way needs. A thread lends them out, so that connections that wait
/// between requests cost little.
struct Exchange {
  Pump up;
  Pump down;
  ports::Outcome outcome;  ///< its record; arrival 0: nothing is to be settled
  std::array<char, 32> client_id{};

  std::string_view client_id_text() const { return {client_id.data(), client_id.size()}; }
};

/// One who asks: a connection that speaks HTTP/1, bare or over TLS, or one stream of an HTTP/2
/// connection, whose transport reads as the same request in HTTP/1 and takes the answer as such.
/// An exchange knows no difference: what it needs of the client's side is its Socket.
struct Client : Endpoint, TimerEntry {
  Client() : Endpoint(Kind::kClient) { is_client = true; }
  Socket socket;
  Phase phase = Phase::kHead;
  std::uint8_t attempts = 0;
  std::uint8_t interim_answers = 0;
  bool answer_started = false;  ///< a final answer's head is in the output
  bool answer_until_close = false;
  bool closes_after = false;
  bool upstream_write_broken = false;
  bool is_queued = false;      ///< for another turn
  bool is_first = true;        ///< no request has been answered on this connection
  bool is_secure = false;      ///< came by TLS
  bool is_stream = false;      ///< one of an HTTP/2 connection: carries one exchange
  bool is_in_ledger = false;   ///< counted among its address's connections
  bool is_over_limit = false;  ///< its address has too many
  bool is_unflushed = false;
  http1::Fault stream_fault = http1::Fault::kNone;
  RequestFacts facts;
  std::uint16_t listener_port = 0;
  std::uint16_t status = 0;
  std::uint32_t slot = 0;
  model::ReleaseNumber release = 0;
  model::ReleaseNumber lacking = 0;     ///< the release that did not have this asset
  std::uint32_t answer_head_bytes = 0;  ///< as long as all wait, the client has seen none
  std::uint32_t head_begin = 0;
  std::uint32_t head_end = 0;
  std::uint32_t held_bytes = 0;  ///< what it counts for while it is held
  Upstream* upstream = nullptr;
  std::uint32_t head_moves = 0;  ///< Socket::moves() when the head was read
  Target* avoided = nullptr;     ///< refused or failed the first attempt; compared, never followed
  in6_addr address{};
  Millis phase_since = 0;
  Millis moved_at = 0;  ///< when a byte last went either way
  Millis rate_since = 0;
  std::uint64_t rate_bytes = 0;
  std::uint64_t moved_bytes = 0;  ///< when moved_at was last found
  std::uint64_t affinity = 0;
  TrialId trial = kNoTrial;          ///< of the request under way
  std::int64_t began_us = 0;         ///< when the head of the request was there
  std::unique_ptr<AccessNote> note;  ///< of a request that will be logged
  http1::HeadScanner scanner;
  std::unique_ptr<Exchange> lent;  ///< from the first request's head on until none is under way
  std::unique_ptr<Tunnel> tunnel;
  std::unique_ptr<http2::Session> http2;
  const TlsTransport* tls = nullptr;  ///< of its connection, which outlives its streams
  std::unique_ptr<FileBody> file;
  Client* next = nullptr;  ///< of all clients of the thread
  Client* previous = nullptr;

  /// Of the request under way; without one, an exchange in which nothing has happened.
  Exchange& exchange() {
    if (!lent) lent = std::make_unique<Exchange>();
    return *lent;
  }
  const Exchange& exchange() const {
    static const Exchange kNothing;
    return lent ? *lent : kNothing;
  }
};

}  // namespace ecluse::gateway
