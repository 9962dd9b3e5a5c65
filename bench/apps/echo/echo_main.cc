// The app of the benchmarks: it starts in a few milliseconds, so that what is measured is ecluse.
// A thread per connection, no dependency, linked statically. Paths:
//   /ready  200 (503 when FAULT is "unready")    /slow?ms=800  answers late     /big?kb=256  a long
//   body /ws     echoes WebSocket messages            /boot  when it began and when it listened, in
//   ms of CLOCK_MONOTONIC                              else   200 and a few bytes; a body sent is
//   read whole
// Every answer carries X-App-Release (from ECLUSE_RELEASE) and gives X-Load-Id back.
// FAULT=crash leaves with 70 before it listens. SIGTERM ends it once its requests are answered.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <thread>

#include "sha1.h"

namespace ecluse::echo {
namespace {

using namespace std::chrono_literals;

std::atomic<bool> leaving = false;
std::atomic<int> requests_open = 0;

double monotonic_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

const double began_ms = monotonic_ms();
double listened_ms = 0;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The number after `name=` in a target's query, or `otherwise`.
int query_number(std::string_view target, std::string_view name, int otherwise) {
  const std::size_t at = target.find(std::string(name) + "=");
  if (at == std::string_view::npos) return otherwise;
  const std::string_view digits = target.substr(at + name.size() + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), otherwise);
  return otherwise;
}

/// The value of a field of a request's head, without regard to case; empty if it is not there.
std::string field(std::string_view head, std::string_view name) {
  for (std::size_t line = head.find("\r\n");
       line != std::string_view::npos && line + 2 < head.size();
       line = head.find("\r\n", line + 2)) {
    const std::string_view rest = head.substr(line + 2);
    if (rest.size() <= name.size() || rest[name.size()] != ':') continue;
    if (strncasecmp(rest.data(), name.data(), name.size()) != 0) continue;
    std::string_view value = rest.substr(name.size() + 1, rest.find("\r\n") - name.size() - 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    return std::string(value);
  }
  return {};
}

class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void serve() {
    for (std::string head = read_head(); !head.empty(); head = read_head()) {
      ++requests_open;
      const bool again = handle(head);
      --requests_open;
      if (!again) return;
    }
  }

 private:
  bool fill() {
    std::array<char, 32768> bytes;
    const ssize_t got = recv(fd_, bytes.data(), bytes.size(), 0);
    if (got > 0) buffer_.append(bytes.data(), static_cast<std::size_t>(got));
    return got > 0;
  }

  std::string read_head() {
    std::size_t end = buffer_.find("\r\n\r\n");
    for (; end == std::string::npos; end = buffer_.find("\r\n\r\n"))
      if (!fill()) return {};
    const std::string head = buffer_.substr(0, end + 4);
    buffer_.erase(0, end + 4);
    return head;
  }

  bool read_body(const std::string& head) {
    std::size_t left = std::strtoul(field(head, "content-length").c_str(), nullptr, 10);
    if (field(head, "transfer-encoding") == "chunked") return read_chunks();
    while (left > buffer_.size()) {
      left -= buffer_.size();
      buffer_.clear();
      if (!fill()) return false;
    }
    buffer_.erase(0, left);
    return true;
  }

  bool read_chunks() {
    for (;;) {
      while (buffer_.find("\r\n") == std::string::npos)
        if (!fill()) return false;
      const std::size_t line = buffer_.find("\r\n");
      const std::size_t size = std::strtoul(buffer_.c_str(), nullptr, 16);
      while (buffer_.size() < line + 2 + size + 2)
        if (!fill()) return false;
      buffer_.erase(0, line + 2 + size + 2);
      if (size == 0) return true;
    }
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  bool handle(const std::string& head) {
    const std::size_t begin = head.find(' ') + 1;
    const std::string target = head.substr(begin, head.find(' ', begin) - begin);
    if (target == "/ws") {
      echo_messages(head);
      return false;
    }
    if (!read_body(head)) return false;
    const bool again = !leaving && field(head, "connection") != "close";
    answer(head, target, again);
    return again;
  }

  void answer(const std::string& head, const std::string& target, bool again) {
    int status = 200;
    std::string body = "hello from release " + variable("ECLUSE_RELEASE") + "\n";
    if (target.starts_with("/slow"))
      std::this_thread::sleep_for(1ms * query_number(target, "ms", 800));
    if (target.starts_with("/big")) body.assign(1024UL * query_number(target, "kb", 256), 'b');
    if (target.starts_with("/ready") && variable("FAULT") == "unready") status = 503;
    if (target.starts_with("/boot"))
      body = "{\"began_ms\": " + std::to_string(began_ms) +
             ", \"listened_ms\": " + std::to_string(listened_ms) + "}\n";
    std::string out =
        "HTTP/1.1 " + std::to_string(status) + (status == 200 ? " OK" : " Unavailable");
    out += "\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nX-App-Release: " + variable("ECLUSE_RELEASE") + "\r\n";
    if (const std::string id = field(head, "x-load-id"); !id.empty())
      out += "X-Load-Id: " + id + "\r\n";
    if (!again) out += "Connection: close\r\n";
    write(out + "\r\n" + body);
  }

  void echo_messages(const std::string& head) {
    write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        websocket_accept(field(head, "sec-websocket-key")) +
        "\r\nX-App-Release: " + variable("ECLUSE_RELEASE") + "\r\n\r\n");
    while (echo_one()) continue;
  }

  /// One short frame (payload up to 65535 bytes), sent back unmasked; false at the end.
  bool echo_one() {
    while (!frame_complete())
      if (!fill()) return false;
    const bool longer = (buffer_[1] & 0x7f) == 126;
    const std::size_t at = longer ? 8 : 6, size = payload_bytes();
    std::string out(1, buffer_[0]);
    if (longer) {
      out.push_back(126);
      out += buffer_.substr(2, 2);
    } else {
      out.push_back(static_cast<char>(size));
    }
    for (std::size_t i = 0; i < size; ++i)
      out.push_back(static_cast<char>(buffer_[at + i] ^ buffer_[at - 4 + i % 4]));
    const bool closing = (buffer_[0] & 0x0f) == 8;
    buffer_.erase(0, at + size);
    write(out);
    return !closing;
  }

  std::size_t payload_bytes() const {
    const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(buffer_[i]); };
    const std::size_t small = byte(1) & 0x7f;
    return small == 126 ? static_cast<std::size_t>(byte(2)) << 8 | byte(3) : small;
  }

  bool frame_complete() const {
    if (buffer_.size() < 6) return false;
    const bool longer = (buffer_[1] & 0x7f) == 126;
    return buffer_.size() >= (longer ? 8 : 6) + payload_bytes();
  }

  int fd_;
  std::string buffer_;
};

int listen_on(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd, 1024) != 0) {
    std::perror("listen");
    std::exit(1);
  }
  return fd;
}

void accept_until_told(int listener) {
  const int on = 1;
  while (!leaving) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::thread([fd] { Connection(fd).serve(); }).detach();
  }
}

void on_term(int) {
  leaving = true;
}

/// No SA_RESTART: accept() must return, so that leaving is noticed.
void listen_for_sigterm() {
  struct sigaction action{};
  action.sa_handler = on_term;
  sigaction(SIGTERM, &action, nullptr);
}

int run() {
  if (variable("FAULT") == "crash") return 70;
  listen_for_sigterm();
  const std::string port = variable("PORT");
  const int listener = listen_on(static_cast<std::uint16_t>(port.empty() ? 8000 : std::stoi(port)));
  listened_ms = monotonic_ms();
  std::printf("listening on %s\n", port.c_str());
  std::fflush(stdout);
  accept_until_told(listener);
  while (requests_open > 0) poll(nullptr, 0, 5);
  return 0;
}

}  // namespace
}  // namespace ecluse::echo

int main() {
  const int code = ecluse::echo::run();
  _exit(code);  // threads of idle connections are still there: no destructors for them
}
