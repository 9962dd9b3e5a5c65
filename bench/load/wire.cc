#include "wire.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace ecluse::load {
namespace {
constexpr std::size_t kReadBytes = 64 * 1024;
}

bool Wire::connect(Reading reading, int receive_bytes) {
  Connecting connecting = connect_to(target_, receive_bytes);
  connected_at_ = 0;
  pending_.clear();
  if (!connecting.fd) {
    on_end(connecting.error);
    return false;
  }
  fd_ = std::move(connecting.fd);
  reading_ = reading;
  connecting_ = true;
  watch();
  return true;
}

void Wire::send(std::string_view bytes) {
  pending_.append(bytes);
  if (!connecting_) write_pending();
}

void Wire::close() {
  if (!fd_) return;
  poller_.forget(fd_.get());
  fd_.reset();
}

void Wire::watch() {
  std::uint32_t events = 0;
  if (reading_ == Reading::kEager) events |= EPOLLIN | EPOLLRDHUP;
  if (connecting_ || !pending_.empty()) events |= EPOLLOUT;
  poller_.watch(fd_.get(), events, this);
}

void Wire::on_ready(std::uint32_t events) {
  if (connecting_ && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) finish_connecting();
  if (fd_ && !connecting_ && (events & EPOLLOUT)) write_pending();
  if (fd_ && !connecting_ && reading_ == Reading::kEager && (events & ~EPOLLOUT))
    read_some(kReadBytes);
  // To its end, where that came with the last bytes: who has left is not idle.
  while (fd_ && !connecting_ && reading_ == Reading::kEager && (events & EPOLLRDHUP))
    read_some(kReadBytes);
  // A paced reader sees the end when its turn to read comes; until then it must not spin.
  if (fd_ && reading_ == Reading::kPaced && (events & (EPOLLERR | EPOLLHUP)))
    poller_.forget(fd_.get());
}

void Wire::finish_connecting() {
  int error = 0;
  socklen_t bytes = sizeof error;
  getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &bytes);
  if (error != 0) return end(error);
  connecting_ = false;
  connected_at_ = now_us();
  write_pending();
}

void Wire::write_pending() {
  while (!pending_.empty()) {
    const ssize_t sent = ::send(fd_.get(), pending_.data(), pending_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) break;
    // The other side may have answered before it closed: reading tells, not this error.
    if (sent < 0) return read_some(kReadBytes);
    pending_.erase(0, static_cast<std::size_t>(sent));
  }
  watch();
}

void Wire::read_some(std::size_t bytes_max) {
  std::array<char, kReadBytes> buffer;
  if (!fd_ || connecting_) return;
  const ssize_t got = recv(fd_.get(), buffer.data(), std::min(bytes_max, buffer.size()), 0);
  if (got > 0) return on_bytes({buffer.data(), static_cast<std::size_t>(got)});
  if (got == 0) return end(0);
  if (errno != EAGAIN) end(errno);
}

void Wire::end(int error) {
  close();
  on_end(error);
}

}  // namespace ecluse::load
