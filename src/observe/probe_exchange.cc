#include "observe/probe_exchange.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "observe/probe_answer.h"

namespace ecluse::observe {

namespace {
constexpr std::size_t kReadBytesMax = 256 * 1024;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

std::optional<SocketAddress> parse(const std::string& address, std::uint16_t port) {
  SocketAddress result;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
  if (::inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    result.size = sizeof(sockaddr_in);
    return result;
  }
  if (::inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    result.size = sizeof(sockaddr_in6);
    return result;
  }
  return std::nullopt;
}

/// Bytes that may not stand in a request line are percent-encoded: no path can add a header.
std::string encoded_path(std::string_view path) {
  std::string result = path.starts_with('/') ? "" : "/";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool safe = byte > 0x20 && byte < 0x7f;
    result += safe ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return result;
}

std::string host_header(std::string_view host) {
  std::string result;
  for (const char c : host) {
    if (c > 0x20 && c < 0x7f) result += c;
  }
  return result;
}

std::string reason_of(int code) {
  switch (code) {
    case ECONNREFUSED:
      return "connection refused";
    case ECONNRESET:
    case EPIPE:
      return "connection reset before an answer";
    default:
      return std::strerror(code);
  }
}
}  // namespace

std::string probe_request(const std::string& path, const std::string& host) {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: ecluse-probe\r\nAccept: */*\r\n"
      "X-Forwarded-Proto: https\r\nConnection: close\r\n\r\n",
      encoded_path(path), host_header(host));
}

ProbeExchange::ProbeExchange(ProbeQuestion question) : question_(std::move(question)) {
  connect();
}

void ProbeExchange::connect() {
  const auto address = parse(question_.address, question_.port);
  if (!address) {
    return settle({.detail = fmt::format("'{}' is not an address", question_.address)});
  }
  fd_.reset(::socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) return fail_with(errno);
  const auto* target = reinterpret_cast<const sockaddr*>(&address->storage);
  if (::connect(fd_.get(), target, address->size) == 0) return on_connected();
  if (errno != EINPROGRESS) fail_with(errno);
}

short ProbeExchange::wants() const {
  return phase_ == Phase::kReceiving ? POLLIN : POLLOUT;
}

void ProbeExchange::advance() {
  switch (phase_) {
    case Phase::kConnecting: {
      int code = 0;
      socklen_t size = sizeof code;
      ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &code, &size);
      return code == 0 ? on_connected() : fail_with(code);
    }
    case Phase::kSending:
      return send();
    case Phase::kReceiving:
      return receive();
  }
}

void ProbeExchange::on_connected() {
  if (question_.request.empty()) {
    finished_ = true;
    return settle({.ok = true, .detail = "accepts connections"});
  }
  phase_ = Phase::kSending;
  send();
}

void ProbeExchange::send() {
  const auto left = std::string_view(question_.request).substr(sent_);
  const ssize_t n = ::send(fd_.get(), left.data(), left.size(), MSG_NOSIGNAL);
  if (n < 0) return errno == EAGAIN || errno == EINTR ? void() : fail_with(errno);
  sent_ += static_cast<std::size_t>(n);
  if (sent_ == question_.request.size()) phase_ = Phase::kReceiving;
}

void ProbeExchange::receive() {
  std::array<char, 16384> chunk{};
  const ssize_t n = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
  if (n < 0) return errno == EAGAIN || errno == EINTR ? void() : fail_with(errno);
  finished_ = n == 0;
  if (outcome_) {
    discarded_ += static_cast<std::size_t>(n);
    finished_ = finished_ || discarded_ > kReadBytesMax;
    return;
  }
  received_.append(chunk.data(), static_cast<std::size_t>(n));
  judge(n == 0);
}

void ProbeExchange::judge(bool at_end) {
  const auto so_far = read_answer(received_);
  if (so_far.fault == AnswerFault::kHeadTooLarge) {
    return settle({.detail = "the head of the answer is too large"});
  }
  if (so_far.fault == AnswerFault::kNotHttp && !received_.empty()) {
    return settle(
        {.detail = fmt::format("not an HTTP answer: {}", printable(received_, kEvidenceBytesMax))});
  }
  if (!so_far.answer) {
    return at_end ? settle({.detail = "connection closed without an answer"}) : void();
  }
  const auto& answer = *so_far.answer;
  // A good status is enough; of a bad one people want to see what the app said.
  if (!is_success(answer.status) && !answer.complete && !at_end) return;
  settle({is_success(answer.status), answer.status, printable(answer.body, kEvidenceBytesMax)});
}

void ProbeExchange::expire(Duration waited) {
  finished_ = true;
  const auto so_far = read_answer(received_);
  if (!outcome_ && so_far.answer) {  // a body that trickles: the status is an answer all the same
    const auto& answer = *so_far.answer;
    return settle(
        {is_success(answer.status), answer.status, printable(answer.body, kEvidenceBytesMax)});
  }
  settle({.detail = fmt::format("timed out after {}", to_string(waited))});
}

void ProbeExchange::settle(ProbeOutcome outcome) {
  if (!outcome_) outcome_ = std::move(outcome);
  received_.clear();
  // Without an answer there is nothing to read politely to its end.
  if (outcome_->status == 0) finished_ = true;
}

void ProbeExchange::fail_with(int code) {
  finished_ = true;
  settle({.detail = reason_of(code)});
}

}  // namespace ecluse::observe
