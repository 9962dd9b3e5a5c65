#pragma once
// The two ends of the worker's connections: clients and apps that send what the input says, on real
// sockets of this machine, and remember what they got.

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "os/fd.h"
#include "wire_check.h"

namespace peers {
using ecluse::os::Fd;
using wire::must;

/// One end of a connection.
struct Peer {
  enum class End : std::uint8_t { kOpen, kEnded, kReset };

  explicit Peer(Fd socket) : fd(std::move(socket)) {
    must(::fcntl(fd.get(), F_SETFL, O_NONBLOCK) == 0);
    const int on = 1;
    (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // a pair has no TCP
    // No TIME_WAIT is left behind: thousands of inputs a second would use up the ports.
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    must(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  }

  void send(std::string_view bytes) {
    if (fd && !has_ended_sending) waiting.append(bytes);
  }
  void end_sending() {
    if (!fd) return;
    (void)move();
    // What the gateway does not take is never sent: its end is then a reset.
    if (!waiting.empty()) return reset();
    has_ended_sending = has_ended_sending || ::shutdown(fd.get(), SHUT_WR) == 0;
  }
  void reset() {
    waiting.clear();
    fd.reset();
  }

  /// Sends and reads what can be; true if anything moved.
  bool move() {
    if (!fd) return false;
    bool moved = false;
    while (!waiting.empty()) {
      const ssize_t n = ::send(fd.get(), waiting.data(), waiting.size(), MSG_NOSIGNAL);
      if (n <= 0) {
        if (errno != EAGAIN) waiting.clear();
        break;
      }
      sent.append(waiting, 0, static_cast<std::size_t>(n));
      waiting.erase(0, static_cast<std::size_t>(n));
      moved = true;
    }
    await_delivery();
    return (reads && read_all()) || moved;
  }

  Fd fd;
  std::string waiting;
  std::string sent;
  std::string received;
  End end = End::kOpen;
  bool reads = true;
  bool has_ended_sending = false;

 private:
  bool read_all() {
    std::array<char, 65536> room;
    bool moved = false;
    while (end == End::kOpen) {
      const ssize_t n = ::recv(fd.get(), room.data(), room.size(), 0);
      if (n < 0 && errno == EAGAIN) break;
      moved = true;
      if (n > 0) {
        received.append(room.data(), static_cast<std::size_t>(n));
      } else {
        end = n == 0 ? End::kEnded : End::kReset;
      }
    }
    return moved;
  }
  /// The kernel hands over at once, as a rule; where it does not, this input would be another one.
  void await_delivery() const {
    for (int i = 0, queued = 1; i < 100 && queued > 0; ++i) {
      if (::ioctl(fd.get(), SIOCOUTQ, &queued) != 0) return;
      pollfd full{.fd = fd.get(), .events = POLLOUT, .revents = 0};
      if (queued > 0 && ::poll(&full, 1, 0) == 0) return;  // the gateway does not read
    }
  }
};

/// A socket on a port of its own; one that does not listen refuses connections.
class Port {
 public:
  explicit Port(bool listens) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    address.sin_addr.s_addr = INADDR_ANY;
    must(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    socklen_t length = sizeof address;
    must(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
    number_ = ntohs(address.sin_port);
    if (!listens) return;
    const int on = 1;  // as the gateway's listeners; what is accepted inherits it
    must(::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    must(::listen(fd_.get(), 64) == 0);
    must(::fcntl(fd_.get(), F_SETFL, O_NONBLOCK) == 0);
  }
  std::uint16_t number() const { return number_; }
  Fd accept() const { return Fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
  Fd duplicate() const { return Fd(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 3)); }
  /// From another address of this machine each time: ports wait for a minute after a clean end.
  Fd connect() const {
    constexpr int kTriesMax = 1000;
    const sockaddr_in address = loopback(number_);
    for (int tries = 1;; ++tries) {
      Fd fd = from_another_address();
      const auto* const to = reinterpret_cast<const sockaddr*>(&address);
      if (::connect(fd.get(), to, sizeof address) == 0) return fd;
      if (errno == EINTR && is_connected(fd)) return fd;  // libFuzzer's clock struck
      // What else runs on this machine may use up the ports of one address, not those of all.
      must(errno == EADDRNOTAVAIL && tries < kTriesMax);
    }
  }

 private:
  /// A connect that a signal interrupted goes on by itself.
  static bool is_connected(const Fd& fd) {
    pollfd done{.fd = fd.get(), .events = POLLOUT, .revents = 0};
    while (::poll(&done, 1, -1) < 0) must(errno == EINTR);
    int error = 0;
    socklen_t length = sizeof error;
    return ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
  }
  static Fd from_another_address() {
    static std::uint32_t times = 0;
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in from = loopback(0, 1 + ++times % 65'000);
    const int on = 1;
    must(::setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0);
    must(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0);
    return fd;
  }
  static sockaddr_in loopback(std::uint16_t port, std::uint32_t host = 1) {
    return {.sin_family = AF_INET,
            .sin_port = htons(port),
            .sin_addr = {htonl(INADDR_LOOPBACK - 1 + host)},
            .sin_zero = {}};
  }
  Fd fd_;
  std::uint16_t number_ = 0;
};

}  // namespace peers
