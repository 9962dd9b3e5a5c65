#include "gateway/metrics_server.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "gateway/http1_chars.h"
#include "gateway/http1_head.h"
#include "gateway/page.h"

namespace ecluse::gateway {

namespace {
std::string answer(int status, std::string_view type, const std::string& body, bool is_head) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
      status, reason_of(status), type, body.size(), is_head ? "" : body);
}

std::string refusal(int status) {
  return answer(status, "text/plain; charset=utf-8", fmt::format("{}\n", reason_of(status)), false);
}

std::string_view accept_of(const http1::Request& request) {
  for (const http1::Field& field : request.fields) {
    if (http1::equal_ignoring_case(field.name, "accept")) return field.value;
  }
  return {};
}

std::string answer_to(std::string_view head, const MetricsServer::Measure& measure) {
  http1::Request request;
  const http1::Fault fault = http1::parse_request(head, request);
  if (fault != http1::Fault::kNone) return refusal(http1::status_of(fault));
  if (request.method != "GET" && !request.is_head()) return refusal(501);
  if (request.target.substr(0, request.target.find('?')) != "/metrics") return refusal(404);
  const metrics::Form form = metrics::form_for(accept_of(request));
  metrics::Exposition text(form);
  write(text, measure());
  return answer(200, content_type_of(form), text.finish(), request.is_head());
}

using Clock = std::chrono::steady_clock;

/// However often it lets us have a byte, or takes one.
void send_all(int fd, std::string_view bytes, Clock::time_point by) {
  while (!bytes.empty() && Clock::now() < by) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nobody waits for it any more
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}
}  // namespace

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(ListenAddress address,
                                                            Measure measure) {
  // Shards may share an address: the worker process that follows us opens it while we drain.
  ECLUSE_ASSIGN(std::vector<os::Fd> shards, open_shards(address, 1));
  os::Fd wake(::eventfd(0, EFD_CLOEXEC));
  if (!wake) return fail(from_errno(errno, "eventfd"));
  return std::unique_ptr<MetricsServer>(
      new MetricsServer(std::move(shards.front()), std::move(wake), std::move(measure)));
}

MetricsServer::MetricsServer(os::Fd listener, os::Fd wake, Measure measure)
    : listener_(std::move(listener)), wake_(std::move(wake)), measure_(std::move(measure)) {
  thread_ = std::thread([this] { run(); });
}

MetricsServer::~MetricsServer() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);  // an eventfd at 0 takes it
  thread_.join();
}

void MetricsServer::run() {
  for (;;) {
    std::array<pollfd, 2> waits{pollfd{listener_.get(), POLLIN, 0}, pollfd{wake_.get(), POLLIN, 0}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return;
    if (waits[1].revents != 0) return;
    if (waits[0].revents == 0) continue;
    const os::Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection) serve(connection);
  }
}

void MetricsServer::serve(const os::Fd& connection) {
  const timeval patience{kPatienceMs / 1000, 0};
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    if (::setsockopt(connection.get(), SOL_SOCKET, option, &patience, sizeof patience) != 0) return;
  }
  const Clock::time_point by = Clock::now() + std::chrono::milliseconds(kPatienceMs);
  const http1::HeadBounds bounds;
  http1::HeadScanner scanner;
  std::string bytes;
  std::array<char, 4096> chunk{};
  while (Clock::now() < by) {
    const ssize_t n = ::recv(connection.get(), chunk.data(), chunk.size(), 0);
    if (n <= 0) return;
    bytes.append(chunk.data(), static_cast<std::size_t>(n));
    switch (scanner.scan(bytes, bounds)) {
      case http1::HeadScanner::State::kMore:
        continue;
      case http1::HeadScanner::State::kFault:
        return send_all(connection.get(), refusal(http1::status_of(scanner.fault())), by);
      case http1::HeadScanner::State::kComplete:
        return send_all(connection.get(),
                        answer_to(std::string_view(bytes).substr(0, scanner.head_end()), measure_),
                        by);
    }
  }
}

}  // namespace ecluse::gateway
