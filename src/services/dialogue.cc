#include "services/dialogue.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>

namespace ecluse::services {

namespace {
constexpr std::size_t kHeardBytesMax = 64 * 1024;

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Result<Addresses> resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (code == 0) return Addresses(list);
  return fail(ErrorKind::kUnavailable, fmt::format("resolve {}: {}", host, ::gai_strerror(code)));
}

int pending_error(int fd) {
  int code = 0;
  socklen_t size = sizeof code;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size);
  return code;
}

tl::unexpected<Error> unavailable(const std::string& peer, int code) {
  return fail(ErrorKind::kUnavailable, from_errno(code, peer).message);
}
}  // namespace

Result<Dialogue> Dialogue::open(const std::string& host, std::uint16_t port,
                                std::chrono::milliseconds timeout) {
  Dialogue dialogue(fmt::format("{}:{}", host, port), Clock::now() + timeout);
  ECLUSE_TRY(dialogue.connect(host, port));
  return dialogue;
}

Result<void> Dialogue::connect(const std::string& host, std::uint16_t port) {
  ECLUSE_ASSIGN(const Addresses addresses, resolve(host, port));
  Result<void> last = unavailable(peer_, EHOSTUNREACH);
  for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next) {
    fd_.reset(::socket(one->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd_) return fail(from_errno(errno, "socket"));
    if (::connect(fd_.get(), one->ai_addr, one->ai_addrlen) == 0) return {};
    if (errno != EINPROGRESS) {
      last = unavailable(peer_, errno);
      continue;
    }
    ECLUSE_TRY(await(POLLOUT));
    const int code = pending_error(fd_.get());
    if (code == 0) return {};
    last = unavailable(peer_, code);
  }
  return last;
}

Result<void> Dialogue::await(short events) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
    if (left.count() <= 0) {
      return fail(ErrorKind::kTimeout, fmt::format("{} did not answer in time", peer_));
    }
    pollfd polled{fd_.get(), events, 0};
    if (::poll(&polled, 1, static_cast<int>(left.count())) > 0) return {};
  }
}

Result<void> Dialogue::say(std::string_view bytes) {
  while (!bytes.empty()) {
    ECLUSE_TRY(await(POLLOUT));
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n < 0) return unavailable(peer_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::string_view> Dialogue::hear(std::size_t bytes_min) {
  while (heard_.size() < bytes_min) {
    ECLUSE_TRY(await(POLLIN));
    std::array<char, 4096> chunk{};
    const ssize_t n = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n < 0) return unavailable(peer_, errno);
    if (n == 0) {
      return fail(ErrorKind::kUnavailable, fmt::format("{} closed the connection", peer_));
    }
    heard_.append(chunk.data(), static_cast<std::size_t>(n));
    if (heard_.size() > kHeardBytesMax) {
      return fail(ErrorKind::kInternal, fmt::format("{} does not stop talking", peer_));
    }
  }
  return std::string_view(heard_);
}

}  // namespace ecluse::services
