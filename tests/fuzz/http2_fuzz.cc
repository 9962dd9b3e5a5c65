// The HTTP/2 glue on a client's bytes: whatever they are, what an app would read is one well-formed
// HTTP/1 head, and no stream outlives its session.
#include <sodium.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/connection.h"
#include "gateway/http1_head.h"
#include "gateway/http2_session.h"

namespace {
using namespace ecluse::gateway;

void must(bool holds) {
  if (!holds) std::abort();
}

/// The input: each record is a byte that says how many of the next ones the client sends, its top
/// bit among the coins that the app tosses.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}
  bool is_empty() const { return rest_.empty(); }
  std::string_view slice() {
    const auto head = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    coins_ = coins_ * 2 + head / 128U;
    const std::string_view taken = rest_.substr(0, std::size_t{head % 128U} * 4 + 1);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  bool coin() {
    coins_ = coins_ * 1103515245U + 12345U;
    return (coins_ >> 16) % 2 == 0;
  }

 private:
  std::string_view rest_;
  std::uint32_t coins_ = 1;
};

/// Takes every byte.
class Sink : public Transport {
 public:
  ssize_t read(std::span<char>) override { return 0; }
  ssize_t write(std::span<const iovec> pieces, Next) override {
    ssize_t bytes = 0;
    for (const iovec& piece : pieces) bytes += static_cast<ssize_t>(piece.iov_len);
    return bytes;
  }
  void end_sending() override {}
  void close(bool) override {}
};

/// Answers each request as an app would, in slices.
class App : public http2::Host {
 public:
  bool open_stream(Client&, http2::Stream& stream) override {
    auto client = std::make_unique<Client>();
    client->stream_fault = stream.fault;
    client->socket.transport = http2::Session::transport_of(stream);
    stream.client = client.get();
    stream.socket = &client->socket;
    clients_.push_back(std::move(client));
    return true;
  }
  void wake(Client&) override {}
  void wants_flush(Client&) override {}
  void hit(std::uint64_t Bounds::*) override {}

  void serve_all(Input& input) {
    for (auto& client : clients_) serve(*client, input);
    std::erase_if(clients_, [](const auto& client) { return client->phase == Phase::kClosed; });
  }
  void close_all() {
    for (auto& client : clients_) close(*client);
    clients_.clear();
  }

 private:
  void serve(Client& client, Input& input) {
    Socket& socket = client.socket;
    if (!client.answer_started && client.stream_fault == http1::Fault::kNone) check_head(client);
    while (socket.fill(pool_) == Io::kProgress) socket.consume(socket.received().size());
    const bool says_head = !client.answer_started && input.coin();
    if (says_head) {
      client.answer_started = true;
      (void)socket.append("HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello", pool_);
    }
    (void)socket.flush(pool_);
    if (input.coin()) {
      if (client.answer_started && input.coin()) socket.end_sending();
      close(client);
    }
  }
  /// One head, whole, that the strict parser takes or refuses by a status of its own.
  void check_head(Client& client) {
    const Io io = client.socket.fill(pool_);
    if (io != Io::kProgress || client.is_first == false) return;
    client.is_first = false;
    const std::string_view bytes = client.socket.received();
    const auto state = client.scanner.scan(bytes, {});
    if (state == http1::HeadScanner::State::kFault) return;
    must(state == http1::HeadScanner::State::kComplete);
    const std::string_view head = bytes.substr(0, client.scanner.head_end());
    must(head.find('\0') == head.npos && head.find("\r\n\r\n") + 4 == head.size());
    http1::Request request;
    if (http1::parse_request(head, request) != http1::Fault::kNone) return;
    must(request.version_minor == 1 && !request.authority.empty());
  }
  void close(Client& client) {
    client.phase = Phase::kClosed;
    client.socket.close(pool_);
  }

  BlockPool pool_;
  std::vector<std::unique_ptr<Client>> clients_;
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool is_ready = ::sodium_init() >= 0;
  must(is_ready);
  Input input({reinterpret_cast<const char*>(data), size});
  BlockPool pool;
  Client connection;
  connection.socket.transport = std::make_unique<Sink>();
  connection.socket.writable = true;
  App app;
  {
    const auto session = http2::Session::start(connection, app, pool,
                                               {.head = {}, .streams_max = 8, .resets_max = 20});
    must(session != nullptr);
    const std::string preface =
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string("\0\0\0\4\0\0\0\0\0", 9);
    bool goes_on = session->receive(preface, 0);
    for (std::int64_t now_ms = 0; goes_on && !input.is_empty(); ++now_ms) {
      goes_on = session->receive(input.slice(), now_ms);
      app.serve_all(input);
      goes_on = session->flush(connection.socket) != Io::kBroken && goes_on;
    }
    app.close_all();
  }
  connection.socket.close(pool);
  return 0;
}
