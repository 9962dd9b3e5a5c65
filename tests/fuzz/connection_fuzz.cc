// libFuzzer on a connection's way through the gateway, both sides in any slices: requests are read
// off one socket as a worker thread reads them, and each body is pumped to another. What arrives
// there depends on the bytes alone and never on how the networks cut them, or on when the app would
// take them.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/bounds.h"
#include "gateway/pump.h"
#include "gateway/socket.h"

namespace {
using namespace ecluse::gateway;

void require(bool condition) {
  if (!condition) std::abort();
}

/// Gives and takes at most `slice` bytes a call, and nothing on every second one if it hesitates.
struct Network {
  std::string_view incoming;
  std::string outgoing;
  std::size_t slice = 1;
  bool hesitates = false;
  std::uint32_t calls = 0;
};

class MemoryTransport : public Transport {
 public:
  explicit MemoryTransport(Network& network) : network_(network) {}
  ssize_t read(std::span<char> room) override {
    if (waits()) return -1;
    const std::size_t n =
        network_.incoming.copy(room.data(), std::min(room.size(), network_.slice));
    network_.incoming.remove_prefix(n);
    return static_cast<ssize_t>(n);
  }
  ssize_t write(std::span<const iovec> pieces, Next) override {
    if (waits()) return -1;
    std::size_t left = network_.slice;
    for (const iovec& piece : pieces) {
      const std::size_t n = std::min(left, piece.iov_len);
      network_.outgoing.append(static_cast<const char*>(piece.iov_base), n);
      left -= n;
    }
    return static_cast<ssize_t>(network_.slice - left);
  }
  void end_sending() override {}
  void close(bool) override {}

 private:
  bool waits() {
    if (!network_.hesitates || network_.calls++ % 2 == 0) return false;
    errno = EAGAIN;
    return true;
  }
  Network& network_;
};

/// What an app sees of the requests that came whole, and how the connection ended.
struct Story {
  std::string bodies;
  std::string heads;
  http1::Fault fault = http1::Fault::kNone;
  bool is_cut = false;
  bool operator==(const Story&) const = default;
};

class Machine {
 public:
  Machine(std::string_view bytes, std::size_t slice, bool hesitates)
      : client_net_{bytes, {}, slice, hesitates}, app_net_{{}, {}, slice, hesitates} {
    client_.transport = std::make_unique<MemoryTransport>(client_net_);
    app_.transport = std::make_unique<MemoryTransport>(app_net_);
  }
  ~Machine() {
    client_.close(pool_);
    app_.close(pool_);
  }

  Story run() {
    while (read_request() && pump_body()) {
    }
    return story_;
  }

 private:
  bool read_request() {
    http1::HeadScanner scanner;
    for (;;) {
      const auto state = client_.received().empty()
                             ? http1::HeadScanner::State::kMore
                             : scanner.scan(client_.received(), bounds_.head());
      if (state == http1::HeadScanner::State::kFault) return fails(scanner.fault());
      if (state == http1::HeadScanner::State::kComplete) return take_head(scanner);
      if (!fill()) return false;
    }
  }

  bool take_head(const http1::HeadScanner& scanner) {
    const std::string head(
        client_.received().substr(scanner.head_begin(), scanner.head_end() - scanner.head_begin()));
    client_.consume(scanner.head_end());
    if (const auto fault = http1::parse_request(head, request_); fault != http1::Fault::kNone) {
      return fails(fault);
    }
    story_.heads.append(request_.method).append(" ").append(request_.target).append("\n");
    return true;
  }

  bool fill() {
    client_.readable = true;
    const Io io = client_.fill(pool_);
    story_.is_cut = io == Io::kEnd && !client_.received().empty();
    return io == Io::kProgress || io == Io::kBlocked;
  }

  bool pump_body() {
    Pump pump;
    pump.start({.from = request_.framing,
                .as_chunks = request_.framing.kind == http1::BodyKind::kChunked,
                .bytes_max = 1 << 20});
    for (;;) {
      client_.readable = app_.writable = true;
      switch (pump.run(client_, app_, pool_, bounds_.chunks())) {
        case PumpState::kBlocked:
        case PumpState::kYield:
          continue;
        case PumpState::kDone:
          require(pump.source_is_consumed() && app_.output_pending() == 0);
          note_body();
          return true;
        case PumpState::kFaulty:
          return fails(pump.fault());
        case PumpState::kSourceEnded:
          story_.is_cut = true;
          return false;
        case PumpState::kSourceBroken:
        case PumpState::kSinkBroken:
          require(false);  // these networks do not break
          return false;
      }
    }
  }

  /// Chunks may be cut otherwise: what they hold may not.
  void note_body() {
    std::string body;
    body.swap(app_net_.outgoing);
    if (request_.framing.kind == http1::BodyKind::kChunked) {
      http1::ChunkedDecoder decoder;
      const auto progress = decoder.decode(body, http1::ChunkBounds{});
      require(decoder.done() && progress.consumed == body.size());
      body.resize(progress.produced);
    }
    story_.bodies.append(body).append("\n");
  }

  bool fails(http1::Fault fault) {
    story_.fault = fault;
    return false;
  }

  Bounds bounds_;
  BlockPool pool_;
  Network client_net_;
  Network app_net_;
  Socket client_;
  Socket app_;
  http1::Request request_;
  Story story_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Story whole = Machine(bytes, 1 << 20, false).run();
  for (const std::size_t slice : {std::size_t{1}, std::size_t{3}, std::size_t{61}}) {
    const Story sliced = Machine(bytes, slice, slice == 3).run();
    require(sliced == whole);
  }
  return 0;
}
