#include "api/server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <list>
#include <thread>

#include "api/routes.h"
#include "base/locked.h"
#include "base/log.h"

namespace ecluse::api {

namespace {

constexpr int kBacklog = 128;
constexpr std::size_t kTokenBytesMin = 16;

Result<sockaddr_un> unix_address(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) {
    return fail(ErrorKind::kInvalid,
                fmt::format("the path of the socket is longer than {} bytes: {}",
                            sizeof address.sun_path - 1, path.native()),
                "choose a shorter --run folder");
  }
  std::memcpy(address.sun_path, path.c_str(), path.native().size() + 1);
  return address;
}

bool answers(const sockaddr_un& address) {
  const os::Fd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

Result<os::Fd> listen_on_unix(const std::filesystem::path& path) {
  ECLUSE_ASSIGN(const auto address, unix_address(path));
  if (answers(address)) {
    return fail(ErrorKind::kConflict, fmt::format("another daemon answers on {}", path.native()),
                "use it, or stop it with `ecluse down`");
  }
  unlink(path.c_str());
  os::Fd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) return fail(from_errno(errno, "making a socket"));
  // The mode must be right before the first client can connect, so it is set before listen().
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      chmod(path.c_str(), 0660) != 0 || listen(listener.get(), kBacklog) != 0) {
    return fail(from_errno(errno, fmt::format("listening on {}", path.native())));
  }
  return listener;
}

bool is_loopback(const in_addr& address) {
  return (ntohl(address.s_addr) >> 24) == 127;
}

Result<os::Fd> listen_on_tcp(const TcpAccess& access) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(access.port);
  if (inet_pton(AF_INET, access.address.c_str(), &address.sin_addr) != 1 ||
      !is_loopback(address.sin_addr)) {
    return fail(ErrorKind::kRefused, fmt::format("the API does not listen on {}", access.address),
                "it is for this machine only: use 127.0.0.1, and SSH from elsewhere");
  }
  if (access.token.size() < kTokenBytesMin) {
    return fail(ErrorKind::kRefused,
                fmt::format("the API's token is shorter than {} characters", kTokenBytesMin));
  }
  os::Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  (void)setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // bind() tells more
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener.get(), kBacklog) != 0) {
    return fail(from_errno(errno, fmt::format("listening on {}:{}", access.address, access.port)));
  }
  return listener;
}

/// In time that does not tell how much of it was right.
bool same_secret(std::string_view a, std::string_view b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i] ^ (b.empty() ? 0 : b[i % b.size()]));
  }
  return difference == 0;
}

HttpAnswer refusal(const Error& error, int status) {
  return {status, error_json(error)};
}

}  // namespace

Result<std::string> peer_name(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return fail(from_errno(errno, "asking who is on the socket"));
  }
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> space{};
  getpwuid_r(peer.uid, &entry, space.data(), space.size(), &found);
  return fmt::format("{} (uid {})", found != nullptr ? found->pw_name : "?", peer.uid);
}

class Server::Impl {
 public:
  Impl(control::Operations& operations, ServerOptions options, os::Fd unix_socket,
       os::Fd tcp_socket, os::Fd stop_event)
      : operations_(operations),
        options_(std::move(options)),
        unix_(std::move(unix_socket)),
        tcp_(std::move(tcp_socket)),
        stop_event_(std::move(stop_event)),
        acceptor_([this] { accept_until_stopped(); }) {}

  ~Impl() {
    stop(std::chrono::milliseconds(0));
    // Joined outside the lock: each thread takes it once more to say that it ended.
    std::list<Served> served;
    connections_.with([&](auto& all) { served.swap(all); });
  }

  std::uint16_t tcp_port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (!tcp_ || getsockname(tcp_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
      return 0;
    return ntohs(address.sin_port);
  }

  bool stop(std::chrono::milliseconds grace) {
    stop_source_.request_stop();
    (void)eventfd_write(stop_event_.get(), 1);  // fails only when it is readable already
    if (acceptor_.joinable()) {
      acceptor_.join();
      unlink(options_.socket.c_str());
    }
    const auto idle = [](const std::list<Served>& all) {
      return std::all_of(all.begin(), all.end(), [](const Served& one) { return one.ended; });
    };
    return connections_.when(grace, idle, idle);
  }

 private:
  struct Served {
    std::jthread thread;
    bool ended = false;
  };

  void accept_until_stopped() {
    pollfd waits[3] = {
        {stop_event_.get(), POLLIN, 0}, {unix_.get(), POLLIN, 0}, {tcp_.get(), POLLIN, 0}};
    while (!stop_source_.stop_requested()) {
      if (poll(waits, tcp_ ? 3 : 2, -1) < 0) continue;  // EINTR
      if (waits[1].revents != 0) accept_from(unix_, false);
      if (waits[2].revents != 0) accept_from(tcp_, true);
    }
  }

  void accept_from(const os::Fd& listener, bool needs_token) {
    os::Fd socket(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) {
      if (errno == EMFILE || errno == ENFILE) log_error("the API has no descriptors left");
      return;
    }
    connections_.with([&](std::list<Served>& all) {
      all.remove_if([](Served& one) { return one.ended; });
      if (all.size() >= options_.connections_max) return turn_away(std::move(socket));
      auto& served = all.emplace_back();
      served.thread = std::jthread([this, &served, needs_token, fd = socket.release()] {
        serve(os::Fd(fd), needs_token, served);
      });
    });
  }

  void turn_away(os::Fd socket) {
    HttpConnection connection(std::move(socket), stop_event_.get(), options_.bounds);
    const Error busy{ErrorKind::kUnavailable,
                     fmt::format("more than {} connections to the API", options_.connections_max),
                     "try again, and close what is not needed"};
    (void)connection.answer(refusal(busy, 503), false);  // it is being turned away already
  }

  void serve(os::Fd socket, bool needs_token, Served& served) {
    serve_requests(std::move(socket), needs_token);
    connections_.change([&](auto&) { served.ended = true; });
  }

  void serve_requests(os::Fd socket, bool needs_token) {
    const auto peer = needs_token ? Result<std::string>("token") : peer_name(socket.get());
    HttpConnection connection(std::move(socket), stop_event_.get(), options_.bounds);
    while (!stop_source_.stop_requested()) {
      auto request = connection.next();
      if (!request) {
        const bool large = request.error().kind == ErrorKind::kExhausted;
        (void)connection.answer(refusal(request.error(), large ? 413 : 400), false);  // closing
        return;
      }
      if (!*request) return;
      if (!peer || (needs_token && !has_token(**request))) {
        (void)connection.answer(refusal(not_known(), 401), false);  // closing
        return;
      }
      if (!serve_one(connection, **request, *peer)) return;
    }
  }

  bool has_token(const HttpRequest& request) const {
    return same_secret(request.authorization, "Bearer " + options_.tcp->token);
  }
  static Error not_known() {
    return {ErrorKind::kRefused, "the token is missing or wrong",
            "send it as \"Authorization: Bearer TOKEN\""};
  }

  bool serve_one(HttpConnection& connection, const HttpRequest& request, const std::string& actor) {
    const Call call{
        request,     actor,        operations_, options_.redact, stop_source_.get_token(),
        &connection, options_.data};
    const auto answer = answer_to(call);
    if (!answer) return false;  // it was a stream: its end is the connection's
    return connection.answer(*answer, request.keep_alive).has_value() && request.keep_alive;
  }

  control::Operations& operations_;
  const ServerOptions options_;
  os::Fd unix_;
  os::Fd tcp_;
  os::Fd stop_event_;
  std::stop_source stop_source_;
  Locked<std::list<Served>> connections_;
  std::jthread acceptor_;  // last: it uses all of the above
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(control::Operations& operations,
                                              ServerOptions options) {
  ECLUSE_ASSIGN(auto unix_socket, listen_on_unix(options.socket));
  os::Fd tcp_socket;
  if (options.tcp) {
    ECLUSE_ASSIGN(tcp_socket, listen_on_tcp(*options.tcp));
  }
  os::Fd stop_event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop_event) return fail(from_errno(errno, "making an event descriptor"));
  auto impl = std::make_unique<Impl>(operations, std::move(options), std::move(unix_socket),
                                     std::move(tcp_socket), std::move(stop_event));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::uint16_t Server::tcp_port() const {
  return impl_->tcp_port();
}

bool Server::stop(std::chrono::milliseconds grace) {
  return impl_->stop(grace);
}

}  // namespace ecluse::api
