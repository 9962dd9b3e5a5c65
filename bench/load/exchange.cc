#include "exchange.h"

#include <fmt/format.h>

#include <cerrno>

namespace ecluse::load {
namespace {

constexpr int kSlowReaderBufferBytes = 4096;
constexpr std::size_t kSlowReaderBytesPerTick = 2048;  // every 20 ms: about 100 KB/s
constexpr std::size_t kPostBytes = 16 * 1024;

Loss loss_of(int error, bool connected, bool answer_started) {
  if (error == ECONNREFUSED) return Loss::kRefused;
  if (!connected) return Loss::kConnect;
  if (answer_started) return Loss::kTruncated;
  return error == 0 ? Loss::kClosed : Loss::kReset;
}

}  // namespace

/// As the gateway makes them: 32 hexadecimal digits, which say nothing of the arm.
std::string client_id_of(std::uint32_t person) {
  Prng prng(person);
  const std::uint64_t first = prng.next();
  return fmt::format("{:016x}{:016x}", first, prng.next());
}

std::string request_bytes(const Request& request, std::string_view host) {
  const bool post = request.kind == Kind::kPost;
  std::string out =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: ecluse-load\r\nX-Load-Id: {}\r\n",
                  post ? "POST" : "GET", request.path, host, request.id);
  if (request.kind == Kind::kNew) out += "Connection: close\r\n";
  if (post) out += fmt::format("Content-Length: {}\r\n", kPostBytes);
  if (request.person)
    out += fmt::format("Cookie: ecluse_client={}\r\n", client_id_of(*request.person));
  out += "\r\n";
  if (post) out.append(kPostBytes, 'x');
  return out;
}

void Exchange::start(Request request, Micros deadline) {
  const bool slow = request.kind == Kind::kSlowRead;
  request_ = std::move(request);
  deadline_ = deadline;
  answer_ = AnswerReader();
  if (!open() &&
      !connect(slow ? Reading::kPaced : Reading::kEager, slow ? kSlowReaderBufferBytes : 0))
    return;
  send(request_bytes(*request_, host_));
}

void Exchange::tick(Micros now) {
  if (!busy()) return;
  if (request_->kind == Kind::kSlowRead) read_some(kSlowReaderBytesPerTick);
  if (busy() && now >= deadline_) {
    close();
    lose(Loss::kTimeout);
  }
}

void Exchange::on_bytes(std::string_view bytes) {
  if (!busy()) return close();  // nothing was asked: whatever this is, the connection is unusable
  const std::size_t taken = answer_.feed(bytes);
  if (answer_.malformed() || (answer_.done() && taken < bytes.size())) {
    close();
    return lose(Loss::kMalformed);
  }
  if (answer_.done()) finish(now_us());
}

void Exchange::on_end(int error) {
  if (!busy()) return;
  if (error == 0) answer_.end_of_stream();
  if (answer_.done()) return finish(now_us());
  lose(loss_of(error, connected_at() != 0, answer_.started()));
}

void Exchange::finish(Micros now) {
  const Request request = std::move(*request_);
  request_.reset();
  idle_since_ = now;
  const bool again =
      answer_.keep_alive() && request.kind != Kind::kNew && request.kind != Kind::kSlowRead;
  if (!again) close();
  tally_.answered(request,
                  {answer_.status(), answer_.release(), answer_.app_release(), answer_.load_id()},
                  now);
}

void Exchange::lose(Loss loss) {
  const Request request = std::move(*request_);
  request_.reset();
  tally_.lost(request, loss, connected_at(), now_us());
}

}  // namespace ecluse::load
