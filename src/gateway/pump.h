#pragma once
// Moves one body from one connection to another: decodes the framing it came in, writes it in the
// framing it leaves in, holds at most one block of it, and reads no faster than the other side
// writes.

#include <cstdint>

#include "gateway/http1_chunked.h"
#include "gateway/http1_head.h"
#include "gateway/pipe.h"
#include "gateway/socket.h"
#include "gateway/websocket_frames.h"

namespace ecluse::gateway {

enum class PumpState : std::uint8_t {
  kBlocked,
  kYield,         ///< much went through; others have a turn first
  kDone,          ///< the whole body is written
  kSourceEnded,   ///< the source ended before the body did
  kSourceBroken,  ///< the source was reset
  kSinkBroken,
  kFaulty,  ///< the framing is wrong, see fault()
};

struct PumpPlan {
  http1::Framing from;
  bool as_chunks = false;       ///< write it chunked; otherwise bare
  std::uint64_t bytes_max = 0;  ///< 0: no bound
  PipePool* pipes = nullptr;    ///< null: nothing is moved by the kernel
  bool ends_sink = false;       ///< the sink is ended when all is written: see Next::kEnd
};

class Pump {
 public:
  void start(const PumpPlan& plan);
  /// Follows WebSocket frames in what passes; they must outlive the pump's use.
  void follow(WebsocketFrames* frames) { frames_ = frames; }
  PumpState run(Socket& from, Socket& to, BlockPool& pool, const http1::ChunkBounds& bounds);

  bool done() const { return phase_ == Phase::kDone; }
  /// The whole body is off the source's received bytes: what follows is another message.
  bool source_is_consumed() const { return source_done_ && ready_ == 0 && skip_ == 0; }
  /// The source has nothing more to give, whatever the sink still has to take.
  bool source_is_read() const { return source_done_; }
  /// Not a byte is off them, and none was decoded in place.
  bool source_is_untouched() const {
    return bytes_ == 0 || (plan_.from.kind == http1::BodyKind::kLength && bytes_ == ready_);
  }
  /// Body bytes read from the source so far.
  std::uint64_t bytes() const { return bytes_; }
  /// And how many of them the sink has taken.
  std::uint64_t passed() const { return bytes_ - ready_ - (pipe_ ? pipe_->bytes() : 0); }
  /// Grows whenever a byte moves on either side.
  std::uint64_t moved() const { return bytes() + passed(); }
  http1::Fault fault() const { return fault_; }
  /// Nothing of ours is half written: other bytes may be appended to the sink now.
  bool is_between_pieces() const { return ready_ == 0 && !pipe_; }
  /// Stops at the end of the frame under way; see at_frame_boundary().
  void stop_at_frame_boundary() { stops_ = true; }
  bool at_frame_boundary() const {
    return frames_ != nullptr && frames_->at_boundary() && is_between_pieces();
  }

 private:
  enum class Phase : std::uint8_t { kMoving, kEnding, kDone };
  PumpState move(Socket& from, Socket& to, BlockPool& pool, const http1::ChunkBounds& bounds);
  bool may_splice(const Socket& from, const Socket& to);
  Io splice(Socket& from);
  Io write_ready(Socket& from, Socket& to, BlockPool& pool);
  bool take(Socket& from, const http1::ChunkBounds& bounds);
  std::size_t take_chunks(Socket& from, const http1::ChunkBounds& bounds);
  std::size_t take_frames(std::string_view bytes);
  bool frame_ready(Socket& to, BlockPool& pool);
  std::string_view ending() const;
  void end_piece(Socket& from);
  PumpState source_stopped(Io io);

  PumpPlan plan_;
  http1::ChunkedDecoder decoder_;
  WebsocketFrames* frames_ = nullptr;
  PipePool::Lent pipe_;     ///< between two calls only if it holds bytes
  std::uint64_t left_ = 0;  ///< of a body with a length
  std::uint64_t bytes_ = 0;
  std::uint32_t ready_ = 0;  ///< decoded bytes at the front of what the source received
  std::uint32_t skip_ = 0;   ///< framing bytes behind them
  Phase phase_ = Phase::kMoving;
  bool source_done_ = false;
  bool framed_ = false;  ///< the chunk's size line is in the sink's pending output
  bool stops_ = false;
  http1::Fault fault_ = http1::Fault::kNone;
};

}  // namespace ecluse::gateway
