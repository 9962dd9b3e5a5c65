#include "observe/http_prober.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "base/locked.h"
#include "os/fd.h"

namespace ecluse::observe {
namespace {

using namespace std::chrono_literals;
using ports::ProbeChange;
using ports::ProbeEvent;

constexpr auto kDeadline = 20s;

struct Listening {
  os::Fd fd;
  std::uint16_t port = 0;
};

/// Port 0: the kernel chooses.
Listening listen_on(std::uint16_t port) {
  os::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) std::abort();
  if (::listen(fd.get(), 64) != 0) std::abort();
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return {std::move(fd), ntohs(address.sin_port)};
}

std::uint16_t free_port() {
  return listen_on(0).port;
}

/// A real server on loopback that answers each connection with the text it is set to; an empty text
/// keeps the connection open without an answer.
class TestServer {
 public:
  explicit TestServer(std::string answer, std::uint16_t port = 0)
      : listening_(listen_on(port)), answer_(std::move(answer)), thread_([this] { run(); }) {}
  ~TestServer() {
    const std::uint64_t one = 1;
    (void)!::write(stop_.get(), &one, sizeof one);
    thread_.join();
  }
  std::uint16_t port() const { return listening_.port; }
  void set_answer(std::string answer) {
    answer_.with([&](std::string& current) { current = std::move(answer); });
  }
  std::string last_request() {
    return request_.with([](const std::string& request) { return request; });
  }
  int connections() const { return connections_; }

 private:
  void run() {
    std::vector<os::Fd> silent;
    for (;;) {
      std::array<pollfd, 2> polled{{{listening_.fd.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
      ::poll(polled.data(), polled.size(), -1);
      if (polled[1].revents != 0) return;
      os::Fd client(::accept(listening_.fd.get(), nullptr, nullptr));
      ++connections_;
      if (!serve(client.get())) silent.push_back(std::move(client));
    }
  }
  bool serve(int client) {
    const auto answer = answer_.with([](const std::string& text) { return text; });
    if (answer.empty()) return false;
    std::array<char, 4096> chunk{};
    const ssize_t n = ::read(client, chunk.data(), chunk.size());
    if (n > 0) {
      request_.with([&](std::string& last) { last.assign(chunk.data(), static_cast<size_t>(n)); });
      (void)!::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
    return true;
  }

  Listening listening_;
  os::Fd stop_{::eventfd(0, EFD_CLOEXEC)};
  Locked<std::string> answer_;
  Locked<std::string> request_;
  std::atomic<int> connections_{0};
  std::thread thread_;
};

std::string answer_with(int status, const std::string& body) {
  return fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n\r\n{}", status, body.size(), body);
}

class HttpProberTest : public testing::Test {
 protected:
  HttpProberTest() {
    prober_.subscribe([this](const ProbeEvent& event) {
      events_.change([&](auto& events) { events.push_back(event); });
    });
  }

  /// The nth event (from 1), waited for.
  ProbeEvent event(std::size_t number) {
    return events_.when(
        kDeadline, [&](const auto& events) { return events.size() >= number; },
        [&](auto& events) {
          EXPECT_GE(events.size(), number) << "no event within the deadline";
          return events.size() >= number ? events[number - 1] : ProbeEvent{};
        });
  }
  std::size_t event_count() {
    return events_.with([](const auto& events) { return events.size(); });
  }
  template <typename Condition>
  void wait_until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }

  static ports::ProbeTarget target(std::uint16_t port, const model::ProbeSpec& ready) {
    return {
        .instance = "i", .address = "127.0.0.1", .port = port, .host = "a.test", .ready = ready};
  }

  Locked<std::vector<ProbeEvent>> events_;
  HttpProber prober_;
};

const model::ProbeSpec kFast{.path = "/health", .interval = 5ms, .timeout = 2s, .fail = 3};

TEST_F(HttpProberTest, SaysReadyAndKeepsTheEvidence) {
  TestServer server(answer_with(200, "fine"));
  prober_.watch(target(server.port(), kFast));
  const auto first = event(1);
  EXPECT_EQ(first.instance, "i");
  EXPECT_EQ(first.change, ProbeChange::kReady);
  EXPECT_EQ(first.detail, "ready GET /health: HTTP 200");
  const auto recent = prober_.recent("i");
  ASSERT_FALSE(recent.empty());
  EXPECT_EQ(recent.back().what, "ready GET /health");
  EXPECT_EQ(recent.back().status, 200);
  EXPECT_GT(recent.back().at.ms_since_epoch, 0);
}

TEST_F(HttpProberTest, AsksLikeTheGateway) {
  TestServer server(answer_with(200, ""));
  prober_.watch(target(server.port(), kFast));
  event(1);
  const auto request = server.last_request();
  EXPECT_TRUE(request.starts_with("GET /health HTTP/1.1\r\n")) << request;
  EXPECT_NE(request.find("\r\nHost: a.test\r\n"), std::string::npos);
  EXPECT_NE(request.find("\r\nUser-Agent: ecluse-probe\r\n"), std::string::npos);
  EXPECT_NE(request.find("\r\nX-Forwarded-Proto: https\r\n"), std::string::npos);
}

TEST_F(HttpProberTest, APathCannotAddAHeader) {
  TestServer server(answer_with(200, ""));
  auto spec = kFast;
  spec.path = "/a b\r\nX-Evil: 1";
  prober_.watch(target(server.port(), spec));
  event(1);
  EXPECT_TRUE(server.last_request().starts_with("GET /a%20b%0D%0AX-Evil:%201 HTTP/1.1\r\n"));
}

TEST_F(HttpProberTest, TellsTransitionsOnly) {
  TestServer server(answer_with(200, ""));
  prober_.watch(target(server.port(), kFast));
  EXPECT_EQ(event(1).change, ProbeChange::kReady);
  wait_until([&] { return server.connections() > 10; });
  server.set_answer(answer_with(500, "database is down"));
  const auto second = event(2);
  EXPECT_EQ(second.change, ProbeChange::kUnready);
  EXPECT_EQ(second.detail, "ready GET /health failed 3 times in a row: HTTP 500, database is down");
  server.set_answer(answer_with(302, ""));
  EXPECT_EQ(event(3).change, ProbeChange::kReady);
  EXPECT_EQ(event_count(), 3U);
}

TEST_F(HttpProberTest, FindsAnAppThatStartsToListenLaterLongBeforeItsInterval) {
  const auto port = free_port();
  prober_.watch(target(port, {.path = "/", .interval = 1h}));
  wait_until([&] { return !prober_.recent("i").empty(); });
  EXPECT_EQ(prober_.recent("i").back().detail, "connection refused");
  TestServer server(answer_with(200, ""), port);
  EXPECT_EQ(event(1).change, ProbeChange::kReady);
}

TEST_F(HttpProberTest, HoldsTheConfiguredIntervalOnceReady) {
  TestServer server(answer_with(200, ""));
  prober_.watch(target(server.port(), {.path = "/", .interval = 1h}));
  event(1);
  // A second target's probes show that time passes while the first one rests.
  TestServer busy(answer_with(200, ""));
  auto other = target(busy.port(), kFast);
  other.instance = "j";
  prober_.watch(other);
  wait_until([&] { return busy.connections() > 30; });
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpProberTest, NamesATimeout) {
  TestServer server("");
  auto spec = kFast;
  spec.timeout = 50ms;
  prober_.watch(target(server.port(), spec));
  wait_until([&] { return !prober_.recent("i").empty(); });
  EXPECT_EQ(prober_.recent("i").back().detail, "timed out after 50ms");
  EXPECT_EQ(event_count(), 0U);
}

TEST_F(HttpProberTest, ShowsTheBeginningOfAnErrorPage) {
  TestServer server(answer_with(500, "<h1>\x01KeyError</h1>" + std::string(500, '.')));
  prober_.watch(target(server.port(), kFast));
  wait_until([&] { return !prober_.recent("i").empty(); });
  const auto result = prober_.recent("i").back();
  EXPECT_EQ(result.status, 500);
  EXPECT_TRUE(result.detail.starts_with("<h1>\\x01KeyError</h1>..")) << result.detail;
  EXPECT_LE(result.detail.size(), 210U);
}

TEST_F(HttpProberTest, SaysWhenSomethingElseAnswers) {
  TestServer server("220 mail.test ESMTP\r\n");
  prober_.watch(target(server.port(), kFast));
  wait_until([&] { return !prober_.recent("i").empty(); });
  EXPECT_TRUE(prober_.recent("i").back().detail.starts_with("not an HTTP answer: 220 mail"));
}

TEST_F(HttpProberTest, WithoutAReadyProbeAConnectionIsEnough) {
  TestServer server("");
  prober_.watch({.instance = "i", .address = "127.0.0.1", .port = server.port()});
  EXPECT_EQ(event(1).change, ProbeChange::kReady);
  EXPECT_EQ(event(1).detail, "connect: accepts connections");
}

TEST_F(HttpProberTest, ALiveProbeThatFailsSaysDead) {
  TestServer server(answer_with(200, ""));
  auto both = target(server.port(), {.path = "/", .interval = 1h});
  both.live = model::ProbeSpec{.path = "/alive", .interval = 5ms, .fail = 2};
  prober_.watch(both);
  EXPECT_EQ(event(1).change, ProbeChange::kReady);
  wait_until([&] { return server.connections() > 5; });
  server.set_answer(answer_with(503, "stuck"));
  EXPECT_EQ(event(2).change, ProbeChange::kDead);
  EXPECT_EQ(event(2).detail, "live GET /alive failed 2 times in a row: HTTP 503, stuck");
}

TEST_F(HttpProberTest, WatchingAgainStartsAnew) {
  TestServer server(answer_with(200, ""));
  prober_.watch(target(server.port(), kFast));
  event(1);
  prober_.watch(target(server.port(), kFast));
  EXPECT_EQ(event(2).change, ProbeChange::kReady);
}

TEST_F(HttpProberTest, ForgottenInstancesAreLeftAlone) {
  TestServer server(answer_with(200, ""));
  prober_.watch(target(server.port(), kFast));
  event(1);
  prober_.forget("i");
  EXPECT_TRUE(prober_.recent("i").empty());
  auto other = target(server.port(), kFast);
  other.instance = "j";
  TestServer second(answer_with(200, ""));
  other.port = second.port();
  prober_.watch(other);
  EXPECT_EQ(event(2).instance, "j");
  const int connections = server.connections();
  wait_until([&] { return second.connections() > 20; });
  EXPECT_LE(server.connections(), connections + 1);  // one may have been under way
}

TEST_F(HttpProberTest, AnImpossibleAddressIsSaid) {
  prober_.watch({.instance = "i", .address = "not-an-address", .port = 1});
  wait_until([&] { return !prober_.recent("i").empty(); });
  EXPECT_EQ(prober_.recent("i").back().detail, "'not-an-address' is not an address");
}

TEST_F(HttpProberTest, WatchesManyTargetsAtOnce) {
  TestServer server(answer_with(200, ""));
  constexpr std::size_t kMany = 200;
  for (std::size_t i = 0; i < kMany; ++i) {
    auto one = target(server.port(), kFast);
    one.instance = fmt::format("i{}", i);
    prober_.watch(one);
  }
  event(kMany);
  EXPECT_EQ(event_count(), kMany);
}

}  // namespace
}  // namespace ecluse::observe
