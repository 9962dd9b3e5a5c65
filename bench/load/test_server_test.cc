#include "test_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdlib>

namespace ecluse::load {

bool Peer::fill() {
  std::array<char, 8192> bytes;
  const ssize_t got = recv(fd_, bytes.data(), bytes.size(), 0);
  if (got > 0) buffer_.append(bytes.data(), static_cast<std::size_t>(got));
  return got > 0;
}

std::string Peer::request() {
  while (buffer_.find("\r\n\r\n") == std::string::npos)
    if (!fill()) return {};
  std::size_t end = buffer_.find("\r\n\r\n") + 4;
  const std::size_t length = buffer_.find("Content-Length: ");
  if (length < end) end += static_cast<std::size_t>(std::atoi(buffer_.c_str() + length + 16));
  while (buffer_.size() < end)
    if (!fill()) return {};
  const std::string out = buffer_.substr(0, end);
  buffer_.erase(0, end);
  return out;
}

std::string Peer::frame() {
  while (buffer_.size() < 6)
    if (!fill()) return {};
  const std::size_t length = static_cast<unsigned char>(buffer_[1]) & 0x7f;
  while (buffer_.size() < 6 + length)
    if (!fill()) return {};
  std::string out(1, static_cast<char>(buffer_[0] & 0x0f));
  for (std::size_t i = 0; i < length; ++i)
    out.push_back(static_cast<char>(buffer_[6 + i] ^ buffer_[2 + i % 4]));
  buffer_.erase(0, 6 + length);
  return out;
}

void Peer::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void Peer::answer(std::string_view fields, std::string_view body) {
  write(
      fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{}\r\n{}", body.size(), fields, body));
}

void Peer::answer_and_leave(std::string_view body) {
  const int held = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_CORK, &held, sizeof held);
  answer("", body);
  shutdown(fd_, SHUT_WR);
}

void Peer::upgrade() {
  request();
  write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}

void Peer::write_frame(char opcode, std::string_view payload) {
  write(std::string{static_cast<char>(0x80 | opcode), static_cast<char>(payload.size())} +
        std::string(payload));
}

void Peer::reset() {
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

TestServer::TestServer(Script script) : script_(std::move(script)) {
  listener_ = os::Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  const bool listening = bind(listener_.get(), raw, bytes) == 0 &&
                         listen(listener_.get(), 1024) == 0 &&
                         getsockname(listener_.get(), raw, &bytes) == 0;
  assert(listening);
  (void)listening;  // only used by the assertion
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { accept_all(); });
}

TestServer::~TestServer() {
  shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  threads_.clear();
}

std::string TestServer::address() const {
  return fmt::format("127.0.0.1:{}", port_);
}

void TestServer::accept_all() {
  for (;;) {
    const int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int number = ++connections_;
    const std::lock_guard lock(mutex_);
    open_.push_back(fd);
    threads_.emplace_back([this, fd, number] { serve(fd, number); });
  }
}

void TestServer::serve(int fd, int number) {
  Peer peer(fd);
  script_(peer, number);
  const std::lock_guard lock(mutex_);
  open_.remove(fd);
  os::Fd closed(fd);
}

}  // namespace ecluse::load
