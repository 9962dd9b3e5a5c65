#pragma once
// HTTP/2 of one connection by nghttp2: frames in, frames out, and a stream for each request whose
// transport reads as the same request in HTTP/1. Belongs to the connection's thread.
//
// Flow control is end to end: a stream's window grows only by what its exchange has taken, and the
// exchange gives no more than the outbox of the stream holds. The connection's own window always
// grows, so that one app that does not read stops one stream and not its neighbours; what a
// connection can make us hold is streams x window.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "gateway/block_pool.h"
#include "gateway/bounds.h"
#include "gateway/http1_head.h"
#include "gateway/http2_closed_streams.h"
#include "gateway/http2_frame_heads.h"
#include "gateway/http2_head.h"
#include "gateway/socket.h"

struct nghttp2_session;

namespace ecluse::gateway {
struct Client;
}

namespace ecluse::gateway::http2 {

struct SessionBounds {
  http1::HeadBounds head;
  std::uint32_t streams_max = 100;
  std::uint32_t window_bytes = 65'535;     ///< of each stream
  std::uint32_t control_frames_max = 200;  ///< in a second: PING, SETTINGS, idle WINDOW_UPDATE, ...
  std::uint32_t resets_max = 100;          ///< in a second, of streams, by either side
};

class Session;

/// One stream: what has come and nobody took, and what is to go. Owned by its session until nghttp2
/// has closed it; its client may be gone earlier.
struct Stream {
  explicit Stream(const http1::HeadBounds& bounds) : request(bounds) {}
  std::int32_t id = 0;
  Session* session = nullptr;
  Client* client = nullptr;  ///< null: nobody is interested any more
  Socket* socket = nullptr;  ///< of that client
  RequestHead request;
  http1::Fault fault = http1::Fault::kNone;  ///< the request is to be answered with it, unread
  std::string inbox;                         ///< a head in HTTP/1, then the body
  std::size_t inbox_begin = 0;
  std::size_t head_left = 0;     ///< of the inbox: bytes that no flow control counts
  std::string answer;            ///< the final head, until it is submitted
  std::string websocket_accept;  ///< what a true WebSocket server answers to our key
  Block* outbox = nullptr;
  std::uint32_t out_begin = 0;
  std::uint32_t out_end = 0;
  std::uint64_t sent_bytes = 0;  ///< of the body
  std::uint64_t seen_bytes = 0;  ///< and when it was last looked at, plus one
  bool wants_websocket = false;
  bool has_request = false;                ///< all fields are here
  std::optional<std::uint64_t> body_left;  ///< to come of what was announced; none: unknown
  bool peer_ended = false;
  bool was_reset = false;
  bool head_is_final = false;  ///< the final head was given to us
  bool is_submitted = false;   ///< and to nghttp2
  bool we_ended = false;       ///< the answer is whole
  bool end_is_sent = false;
  bool is_deferred = false;  ///< nghttp2 waits for more of the body
  bool is_dirty = false;

  /// Nothing more of the request is to come, but perhaps an empty frame that says so.
  bool is_whole() const { return peer_ended || body_left == 0U; }
};

/// What a session needs of the thread that runs it.
class Host {
 public:
  Host() = default;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  virtual ~Host() = default;
  /// A request is there: makes a client whose socket's transport is transport_of(stream), and sets
  /// stream.client and stream.socket. False: it is refused, and may be tried again elsewhere.
  virtual bool open_stream(Client& connection, Stream& stream) = 0;
  /// Something happened to the stream's socket: its client goes on in this turn, not in this call.
  virtual void wake(Client& client) = 0;
  /// The session has frames to send: flush() is to be called before the thread sleeps.
  virtual void wants_flush(Client& connection) = 0;
  /// A client went beyond this bound.
  virtual void hit(std::uint64_t Bounds::* bound) = 0;
};

class Session {
 public:
  /// Null: out of memory. All references must outlive it.
  static std::unique_ptr<Session> start(Client& connection, Host& host, BlockPool& pool,
                                        const SessionBounds& bounds);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Takes in bytes of the connection; false: it cannot go on after what flush() still sends.
  bool receive(std::string_view bytes, std::int64_t now_ms);
  /// Sends what is to be sent, as far as the socket takes it. kBroken: the connection is gone.
  Io flush(Socket& socket);
  /// Nothing is left to be read or written: the connection may be closed.
  bool is_done() const;
  /// First step of a goodbye: no new requests, please; the second follows when the client has
  /// surely read it (RFC 9113 section 6.8).
  void announce_shutdown();
  void finish_shutdown();
  bool is_shutting_down() const { return is_shutting_down_; }
  bool has_streams() const { return !streams_.empty(); }
  /// Streams that nobody serves have no deadline of their own: those of which nothing has moved
  /// since the last call are reset. False: one of them is a head that does not come to its end, so
  /// that the connection cannot go on.
  bool give_up_still_streams();
  /// Grows with each request: whether it moves is how an idle connection is known.
  std::uint64_t requests() const { return requests_; }
  const std::unordered_set<Stream*>& streams() const { return streams_; }

  static std::unique_ptr<Transport> transport_of(Stream& stream);

  // For the transport of a stream.
  ssize_t read(Stream& stream, std::span<char> room);
  ssize_t write(Stream& stream, std::span<const iovec> pieces);
  void end_sending(Stream& stream);
  void leave(Stream& stream);

  // For nghttp2's callbacks.
  bool is_open(std::int32_t id) const { return find(id) != nullptr; }
  void on_head_of_no_stream(std::int32_t id);
  void on_priority_of_nothing();
  void on_peer_reset(std::int32_t id);
  int on_request_begins(std::int32_t id);
  int on_field(std::int32_t id, std::string_view name, std::string_view value);
  int on_request_whole(std::int32_t id, bool ends);
  int on_data(std::int32_t id, std::string_view bytes);
  void on_peer_ended(std::int32_t id);
  void on_closed(std::int32_t id);
  void on_sent_end(std::int32_t id);
  void count_control_frame();
  void count_window_update();
  void count_reset();
  void on_refused();
  void on_ping_answered();
  ssize_t take_body(Stream& stream, std::size_t bytes_max, std::uint32_t& flags);
  int send_body(Stream& stream, std::string_view frame_head, std::size_t bytes);

 private:
  Session(Client& connection, Host& host, BlockPool& pool, const SessionBounds& bounds)
      : connection_(connection), host_(host), pool_(pool), bounds_(bounds) {}
  bool configure();
  bool take_in(std::string_view bytes);
  void review(const FrameHeads::Head& head, bool was_open);
  Stream* find(std::int32_t id) const;
  int refuse(std::int32_t id, std::uint32_t code);
  void calm_down(std::uint64_t Bounds::* bound);
  void end_by(std::uint32_t code);
  void count(std::uint32_t& events, std::uint32_t max, std::uint64_t Bounds::* bound);
  void expect_window_updates();
  void touch(Stream& stream);
  void wake(Stream& stream, std::uint32_t events);
  std::size_t take_head(Stream& stream, std::string_view bytes);
  std::size_t take_answer_bytes(Stream& stream, std::string_view bytes);
  void submit_answer(Stream& stream);
  void submit_pending();
  bool send_pending(Socket& socket);

  Client& connection_;
  Host& host_;
  BlockPool& pool_;
  const SessionBounds bounds_;
  nghttp2_session* session_ = nullptr;
  Socket* sink_ = nullptr;  ///< during flush()
  std::unordered_set<Stream*> streams_;
  ClosedStreams closed_;
  FrameHeads frames_;
  std::vector<Stream*> dirty_;
  AnswerHead head_;  ///< scratch
  std::string scratch_;
  std::string_view leftover_;  ///< of nghttp2's frames: the socket was full
  std::uint64_t requests_ = 0;
  std::int64_t window_began_ms_ = 0;
  std::int64_t now_ms_ = 0;
  std::uint32_t control_frames_ = 0;
  std::uint32_t window_updates_due_ = 0;
  std::uint32_t resets_ = 0;
  bool is_ended_ = false;  ///< for a fault of the client's
  bool is_shutting_down_ = false;
  bool is_finished_ = false;
};

}  // namespace ecluse::gateway::http2
