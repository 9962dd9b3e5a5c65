#include "gateway/socket.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace ecluse::gateway {

void Socket::note_events(std::uint32_t events) {
  if (transport) transport->note_events(events);
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hung_up = true;
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) was_reset = true;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable = true;
}

bool Socket::has_nothing_unread() const {
  if (transport) return !readable || transport->is_drained();
  if (is_watched) return !readable;
  char byte = 0;
  return ::recv(fd.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

std::string_view Socket::received() const {
  return in_ == nullptr ? std::string_view()
                        : std::string_view(in_->bytes + in_begin_, in_end_ - in_begin_);
}

std::span<char> Socket::received_mutable() {
  return in_ == nullptr ? std::span<char>()
                        : std::span<char>(in_->bytes + in_begin_, in_end_ - in_begin_);
}

std::string_view Socket::block_view(std::size_t begin, std::size_t end) const {
  return {in_->bytes + begin, end - begin};
}

void Socket::rewind() {
  if (in_begin_ > 0) ++moves_;
  in_begin_ = in_end_ = 0;
}

ssize_t Socket::read_once(std::span<char> room) {
  if (transport) return transport->read(room);
  ssize_t n = 0;
  do {
    n = ::recv(fd.get(), room.data(), room.size(), 0);
  } while (n < 0 && errno == EINTR);
  return n;
}

ssize_t Socket::write_once(std::span<iovec> pieces, Next next) {
  if (transport) return transport->write(pieces, next);
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  // The kernel keeps a last short segment back for the end that follows: one packet, not two.
  const int flags = MSG_NOSIGNAL | (next == Next::kEnd ? MSG_MORE : 0);
  ssize_t n = 0;
  do {
    n = ::sendmsg(fd.get(), &message, flags);
  } while (n < 0 && errno == EINTR);
  return n;
}

Io Socket::fill(BlockPool& pool) {
  if (!readable) return seen_end ? Io::kEnd : Io::kBlocked;
  if (in_ == nullptr) {
    in_ = pool.acquire();
    in_begin_ = in_end_ = 0;
  }
  if (in_begin_ == in_end_) rewind();
  if (in_end_ == Block::kBytes && in_begin_ > 0) {
    ++moves_;
    std::memmove(in_->bytes, in_->bytes + in_begin_, in_end_ - in_begin_);
    in_end_ -= std::exchange(in_begin_, 0);
  }
  const std::size_t room = Block::kBytes - in_end_;
  if (room == 0) return Io::kBlocked;
  const ssize_t n = read_once({in_->bytes + in_end_, room});
  if (n > 0) {
    in_end_ += static_cast<std::uint32_t>(n);
    // A short read has emptied the socket, unless its end is still to be read. A transport may
    // hold more: one record at a time.
    if (static_cast<std::size_t>(n) < room && !hung_up && !transport) readable = false;
    return Io::kProgress;
  }
  if (n == 0) {
    seen_end = true;
    readable = false;
    return Io::kEnd;
  }
  if (errno != EAGAIN) return Io::kBroken;
  readable = false;
  return Io::kBlocked;
}

void Socket::release_empty(BlockPool& pool) {
  if (in_ != nullptr && in_begin_ == in_end_) pool.release(std::exchange(in_, nullptr));
  if (out_ != nullptr && out_begin_ == out_end_) pool.release(std::exchange(out_, nullptr));
}

std::span<char> Socket::output_room(BlockPool& pool) {
  if (out_ == nullptr) {
    out_ = pool.acquire();
    out_begin_ = out_end_ = 0;
  }
  if (out_begin_ == out_end_) out_begin_ = out_end_ = 0;
  return {out_->bytes + out_end_, Block::kBytes - out_end_};
}

bool Socket::append(std::string_view bytes, BlockPool& pool) {
  const std::span<char> room = output_room(pool);
  if (room.size() < bytes.size()) return false;
  std::copy(bytes.begin(), bytes.end(), room.begin());
  produced(bytes.size());
  return true;
}

namespace {
iovec piece(std::string_view bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}
}  // namespace

Io Socket::send(std::string_view body, std::string_view suffix, std::size_t& sent, BlockPool& pool,
                Next next) {
  sent = 0;
  const std::string_view pending =
      out_ == nullptr ? std::string_view()
                      : std::string_view(out_->bytes + out_begin_, output_pending());
  if (pending.empty() && body.empty() && suffix.empty()) return Io::kProgress;
  if (!writable) return Io::kBlocked;
  std::array<iovec, 3> pieces{piece(pending), piece(body), piece(suffix)};
  const ssize_t n = write_once(pieces, next);
  if (n < 0 && errno != EAGAIN) return Io::kBroken;
  if (n < 0) {
    writable = false;
    return Io::kBlocked;
  }
  const std::size_t of_pending = std::min(static_cast<std::size_t>(n), pending.size());
  out_begin_ += static_cast<std::uint32_t>(of_pending);
  sent = static_cast<std::size_t>(n) - of_pending;
  if (out_ != nullptr && out_begin_ == out_end_) pool.release(std::exchange(out_, nullptr));
  return Io::kProgress;
}

Io Socket::flush(BlockPool& pool) {
  std::size_t sent = 0;
  while (output_pending() > 0) {
    if (const Io io = send({}, {}, sent, pool); io != Io::kProgress) return io;
  }
  return Io::kProgress;
}

void Socket::end_sending() {
  if (transport) return transport->end_sending();
  (void)::shutdown(fd.get(), SHUT_WR);  // fails only if the peer is gone already
}

void Socket::close(BlockPool& pool, bool reset) {
  if (transport) transport->close(reset);
  transport.reset();
  if (in_ != nullptr) pool.release(std::exchange(in_, nullptr));
  if (out_ != nullptr) pool.release(std::exchange(out_, nullptr));
  in_begin_ = in_end_ = out_begin_ = out_end_ = 0;
  if (reset && fd) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    // Best effort: if it fails, the peer sees an early end instead of a reset.
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  fd.reset();
}

}  // namespace ecluse::gateway
