#include "gateway/pump.h"

#include <algorithm>
#include <array>

namespace ecluse::gateway {

namespace {
constexpr std::string_view kLastChunk = "0\r\n\r\n";
constexpr std::string_view kChunkEnd = "\r\n";
constexpr std::string_view kChunkEndAndLast = "\r\n0\r\n\r\n";
}  // namespace

void Pump::start(const PumpPlan& plan) {
  *this = Pump();
  plan_ = plan;
  left_ = plan.from.length;
  source_done_ = plan.from.kind == http1::BodyKind::kNone ||
                 (plan.from.kind == http1::BodyKind::kLength && left_ == 0);
}

PumpState Pump::run(Socket& from, Socket& to, BlockPool& pool, const http1::ChunkBounds& bounds) {
  const PumpState state = move(from, to, pool, bounds);
  if (pipe_ && pipe_->bytes() == 0) pipe_.reset();
  return state;
}

PumpState Pump::move(Socket& from, Socket& to, BlockPool& pool, const http1::ChunkBounds& bounds) {
  constexpr int kReadsMax = 16;   // about a megabyte, then other connections have a turn
  constexpr int kSplicesMax = 2;  // meanwhile so much comes that the next one moves it at once
  int splices = 0;
  for (int reads = 0;;) {
    if (phase_ == Phase::kDone) return PumpState::kDone;
    if (fault_ != http1::Fault::kNone) return PumpState::kFaulty;
    if (pipe_ && pipe_->bytes() > 0) {
      const Io io = pipe_->give(to);
      if (io == Io::kProgress) continue;
      return io == Io::kBroken ? PumpState::kSinkBroken : PumpState::kBlocked;
    }
    const bool stops_here = stops_ && frames_ != nullptr && frames_->at_boundary();
    // What is here joins a head that waits to be written: one call for both.
    if (ready_ == 0 && !source_done_ && !stops_here && !from.received().empty()) {
      (void)take(from, bounds);
      if (fault_ != http1::Fault::kNone) return PumpState::kFaulty;
    }
    if (ready_ > 0 || source_done_ || to.output_pending() > 0) {
      const Io io = write_ready(from, to, pool);
      if (io == Io::kProgress) continue;
      return io == Io::kBroken ? PumpState::kSinkBroken : PumpState::kBlocked;
    }
    if (stops_here) return PumpState::kBlocked;
    if (reads++ == kReadsMax) return PumpState::kYield;
    const bool splices_now = may_splice(from, to);
    if (splices_now && splices++ == kSplicesMax) return PumpState::kYield;
    const Io io = splices_now ? splice(from) : from.fill(pool);
    if (io == Io::kProgress) continue;
    if (io == Io::kEnd && plan_.from.kind == http1::BodyKind::kUntilClose) {
      source_done_ = true;
      continue;
    }
    return source_stopped(io);
  }
}

/// Nothing is to be looked at or written anew, and there is much of it. Called when all that was
/// received is written.
bool Pump::may_splice(const Socket& from, const Socket& to) {
  constexpr std::uint64_t kBytesMin = 64 * 1024;  // for less the two extra calls do not pay
  const bool is_plain = plan_.from.kind == http1::BodyKind::kLength && !plan_.as_chunks &&
                        frames_ == nullptr && !from.transport && !to.transport;
  if (plan_.pipes == nullptr || !is_plain || !to.writable) return false;
  if (!pipe_ && left_ >= kBytesMin) pipe_ = plan_.pipes->lend();
  return pipe_ != nullptr;
}

Io Pump::splice(Socket& from) {
  const Io io = pipe_->take(from, std::min<std::uint64_t>(left_, Pipe::kPieceBytes));
  left_ -= pipe_->bytes();
  bytes_ += pipe_->bytes();
  source_done_ = left_ == 0;
  if (plan_.bytes_max > 0 && bytes_ > plan_.bytes_max) fault_ = http1::Fault::kBodyTooLarge;
  return io;
}

PumpState Pump::source_stopped(Io io) {
  switch (io) {
    case Io::kEnd:
      return PumpState::kSourceEnded;
    case Io::kBroken:
      return PumpState::kSourceBroken;
    case Io::kProgress:
    case Io::kBlocked:
      return PumpState::kBlocked;
  }
  return PumpState::kBlocked;
}

/// Takes the next piece of the body off the received bytes; false if they hold none.
bool Pump::take(Socket& from, const http1::ChunkBounds& bounds) {
  const std::string_view bytes = from.received();
  std::size_t n = 0;
  switch (plan_.from.kind) {
    case http1::BodyKind::kNone:
      break;
    case http1::BodyKind::kLength:
      n = std::min<std::uint64_t>(left_, bytes.size());
      left_ -= n;
      source_done_ = left_ == 0;
      break;
    case http1::BodyKind::kUntilClose:
      n = take_frames(bytes);
      break;
    case http1::BodyKind::kChunked:
      n = take_chunks(from, bounds);
      break;
  }
  ready_ = static_cast<std::uint32_t>(n);
  bytes_ += n;
  if (plan_.bytes_max > 0 && bytes_ > plan_.bytes_max) fault_ = http1::Fault::kBodyTooLarge;
  return fault_ == http1::Fault::kNone && (n > 0 || source_done_);
}

std::size_t Pump::take_frames(std::string_view bytes) {
  if (frames_ == nullptr) return bytes.size();
  const std::size_t n = stops_ ? frames_->bytes_to_boundary(bytes) : bytes.size();
  frames_->pass(bytes.substr(0, n));
  return n;
}

std::size_t Pump::take_chunks(Socket& from, const http1::ChunkBounds& bounds) {
  const auto progress = decoder_.decode(from.received_mutable(), bounds);
  fault_ = decoder_.fault();
  source_done_ = decoder_.done();
  skip_ = static_cast<std::uint32_t>(progress.consumed - progress.produced);
  if (progress.produced == 0) {
    from.consume(skip_);
    skip_ = 0;
  }
  return progress.produced;
}

/// False if there is no room behind what waits to be written.
bool Pump::frame_ready(Socket& to, BlockPool& pool) {
  if (!plan_.as_chunks || framed_ || ready_ == 0) return true;
  std::array<char, 18> line{};
  const std::size_t n = http1::write_chunk_size(ready_, line.data());
  framed_ = to.append({line.data(), n}, pool);
  return framed_;
}

/// What must follow the ready bytes.
std::string_view Pump::ending() const {
  if (!plan_.as_chunks || phase_ == Phase::kEnding) return {};
  if (ready_ == 0) return source_done_ ? kLastChunk : std::string_view();
  return source_done_ ? kChunkEndAndLast : kChunkEnd;
}

Io Pump::write_ready(Socket& from, Socket& to, BlockPool& pool) {
  if (!frame_ready(to, pool)) return to.flush(pool);
  const std::string_view body = from.received().substr(0, ready_);
  const std::string_view end = ending();
  const Next next = source_done_ && plan_.ends_sink ? Next::kEnd : Next::kMore;
  std::size_t sent = 0;
  if (const Io io = to.send(body, end, sent, pool, next); io != Io::kProgress) return io;
  const std::size_t of_body = std::min(sent, body.size());
  from.consume(of_body);
  ready_ -= static_cast<std::uint32_t>(of_body);
  if (ready_ > 0) return Io::kProgress;
  // What is left of the ending joins the pending output, where nothing can come between.
  const std::string_view rest = end.substr(sent - of_body);
  if (!rest.empty()) (void)to.append(rest, pool);
  end_piece(from);
  if (phase_ == Phase::kEnding && to.output_pending() == 0) phase_ = Phase::kDone;
  return Io::kProgress;
}

void Pump::end_piece(Socket& from) {
  from.consume(skip_);
  skip_ = 0;
  framed_ = false;
  if (source_done_) phase_ = Phase::kEnding;
}

}  // namespace ecluse::gateway
