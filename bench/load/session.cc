#include "session.h"

#include <fmt/format.h>

#include <cerrno>

namespace ecluse::load {
namespace {

// A key protects against caches that mistake a handshake for a page. On loopback there are none, so
// we take the example of RFC 6455, whose accept value is known without SHA-1.
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
constexpr std::uint32_t kMask = 0x5aa51234;
constexpr Micros kRedialAfter = 100'000;  // after a failure; after a drain at once

std::string message_of(const Request& request) {
  return fmt::format("message {}", request.id);
}

}  // namespace

void Session::say(Request request) {
  waiting_.push_back(std::move(request));
  if (upgraded_) say_waiting();
}

void Session::tick(Micros now, std::uint64_t& next_id) {
  expire(waiting_, now);
  expire(said_, now);
  const bool handshaking = session_ && !upgraded_;
  if (handshaking && now >= session_->sent + timeout_) end_badly(Loss::kTimeout);
  if (!session_ && !stopping_ && now >= dial_at_) dial(now, next_id);
  if (stopping_ && upgraded_ && said_.empty() && waiting_.empty())
    end_well(close_payload(kCloseNormal));
}

void Session::dial(Micros now, std::uint64_t& next_id) {
  session_ = Request{next_id++, Kind::kWebSocket, path_, 0, now, now, {}};
  tally_.sent(*session_, now);
  answer_ = AnswerReader();
  frames_ = FrameReader();
  if (!connect(Reading::kEager)) return;
  send(fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: ecluse-load\r\nConnection: Upgrade\r\n"
      "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n\r\n",
      path_, host_, kKey));
}

void Session::on_bytes(std::string_view bytes) {
  if (!upgraded_) {
    bytes.remove_prefix(answer_.feed(bytes));
    if (answer_.malformed()) return end_badly(Loss::kMalformed);
    if (!answer_.done()) return;
    on_handshake();
  }
  frames_.feed(bytes);
  while (session_) {
    const std::optional<Frame> frame = frames_.next();
    if (!frame) break;
    on_frame(*frame);
  }
  if (session_ && frames_.malformed()) end_badly(Loss::kMalformed);
}

void Session::on_handshake() {
  if (answer_.status() != 101) return end_badly(Loss::kGatewayError);
  if (answer_.accept() != kAccept) return end_badly(Loss::kMalformed);
  upgraded_ = true;
  tally_.websocket_opened(*session_, {101, answer_.release(), answer_.app_release(), {}}, now_us());
  say_waiting();
}

void Session::say_waiting() {
  while (!waiting_.empty() && upgraded_) {
    said_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
    send(client_frame(Opcode::kText, message_of(said_.back()), kMask));
  }
}

void Session::on_frame(const Frame& frame) {
  switch (frame.opcode) {
    case Opcode::kText:
    case Opcode::kBinary:
      return on_echo(frame);
    case Opcode::kPing:
      return send(client_frame(Opcode::kPong, frame.payload, kMask));
    case Opcode::kClose:
      return on_close_frame(frame);
    case Opcode::kPong:
      return;
  }
}

void Session::on_echo(const Frame& frame) {
  if (said_.empty() || frame.payload != message_of(said_.front())) return end_badly(Loss::kMixed);
  const Request request = std::move(said_.front());
  said_.pop_front();
  tally_.answered(request, {101, {}, {}, {}}, now_us());
}

void Session::on_close_frame(const Frame& frame) {
  if (close_code(frame) != kCloseServiceRestart) return end_badly(Loss::kWebSocket);
  tally_.websocket_drained();
  tally_.websocket_resent(said_.size());
  waiting_.insert(waiting_.begin(), said_.begin(), said_.end());
  said_.clear();
  end_well(frame.payload);
}

void Session::on_end(int error) {
  if (!session_) return;
  end_badly(error == ECONNREFUSED ? Loss::kRefused : Loss::kWebSocket);
}

void Session::expire(std::deque<Request>& requests, Micros now) {
  while (!requests.empty() && now >= requests.front().intended + timeout_) {
    tally_.lost(requests.front(), Loss::kTimeout, connected_at(), now);
    requests.pop_front();
  }
}

void Session::end_well(std::string_view farewell) {
  // The books first: the server may be gone already when it hears our close frame.
  tally_.websocket_ended(*session_);
  session_.reset();
  upgraded_ = false;
  dial_at_ = 0;
  send(client_frame(Opcode::kClose, farewell, kMask));
  close();
}

void Session::end_badly(Loss loss) {
  const Micros now = now_us();
  tally_.lost(*session_, loss, connected_at(), now);
  for (const Request& request : said_) tally_.lost(request, loss, connected_at(), now);
  said_.clear();
  session_.reset();
  upgraded_ = false;
  dial_at_ = now + kRedialAfter;
  close();
}

}  // namespace ecluse::load
