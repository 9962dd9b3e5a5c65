// Beyond each bound: what the client gets, and that this bound is counted and no other.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <map>
#include <thread>

#include "gateway/measurements_client.h"
#include "gateway/testing_sites.h"
#include "os/testing_network.h"

namespace ecluse::gateway {
namespace {

using namespace testing;

using Hits = std::map<std::string, std::uint64_t>;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kGetOnce = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const std::string kUpgrade =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

std::string post(const std::string& fields, const std::string& body = "") {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}

/// A gateway of one thread in front of an app, alone, that says what was hit.
class Bounded {
 public:
  explicit Bounded(const RecordingApp& app, const std::vector<std::string>& bounds)
      : Bounded(app.address(), bounds) {}
  Bounded(const std::string& app, const std::vector<std::string>& bounds) {
    std::vector<std::string> arguments{"--listen",  "127.0.0.1:0", "--to",      app,
                                       "--workers", "1",           "--control", control().string()};
    for (const std::string& bound : bounds) {
      arguments.insert(arguments.end(), {"--bounds", bound});
    }
    gateway_ = std::make_unique<GatewayProcess>(arguments);
  }
  std::uint16_t port() const { return gateway_->port(); }
  GatewayProcess& gateway() { return *gateway_; }
  /// Bounds that were never hit are left out.
  Hits hits() const {
    const auto batch = MeasurementsClient(control()).read({});
    if (!batch) return {};
    Hits found(batch->bound_hits.begin(), batch->bound_hits.end());
    std::erase_if(found, [](const auto& one) { return one.second == 0; });
    return found;
  }
  bool come_to(const Hits& wanted) const {
    return eventually([&] { return hits() == wanted; });
  }

 private:
  std::filesystem::path control() const { return folder_.path() / "control.sock"; }
  TemporaryFolder folder_;
  std::unique_ptr<GatewayProcess> gateway_;
};

struct Excess {
  std::string bound;
  std::string request;
  int status;
};

TEST(BoundHits, ARequestBeyondABoundIsRefusedWithItsStatusAndCountedByTheBoundsName) {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  std::string many;
  for (int i = 0; i < 120; ++i) many += fmt::format("A{}: b\r\n", i);
  const std::vector<Excess> all{
      {"start_line_bytes_max", "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n", 414},
      {"head_bytes_max", "GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(17'000, 'b'), 431},
      {"fields_max", "GET / HTTP/1.1\r\nHost: a\r\n" + many + "\r\n", 431},
      {"body_bytes_max", post("Content-Length: 5000\r\n"), 413},
      {"body_bytes_max", post(chunked, "1000\r\n" + std::string(4096, 'c') + "\r\n0\r\n\r\n"), 413},
      {"chunk_line_bytes_max", post(chunked, "1;" + std::string(300, 'x') + "\r\n"), 400},
      {"trailer_bytes_max", post(chunked, "0\r\nA: " + std::string(9000, 'x') + "\r\n\r\n"), 431},
      {"head_ms_max", "GET / HTTP/1.1\r\nHost", 408},
      {"body_bytes_per_s_min", post("Content-Length: 100\r\n", "slow"), 408},
  };
  RecordingApp app;
  const Bounded bounded(app, {"head_ms_max=300", "body_bytes_max=1000", "body_rate_window_ms=300"});
  Hits wanted;
  for (const Excess& excess : all) {
    EXPECT_EQ(status_of(answer_to(bounded.port(), excess.request)), excess.status) << excess.bound;
    ++wanted[excess.bound];
    EXPECT_TRUE(bounded.come_to(wanted)) << excess.bound;
  }
}

/// Both stall; the one that sent less than a window wants (60,000 bytes) does not live through the
/// first, though it is more than a second's share.
TEST(BoundHits, ABodyIsSlowByTheRateThatWasSet) {
  RecordingApp app;
  const Bounded bounded(app, {"body_bytes_per_s_min=40000", "body_rate_window_ms=1500"});
  const std::string head = post("Content-Length: 1000000\r\n");
  RawClient more(bounded.port());
  RawClient less(bounded.port());
  ASSERT_TRUE(more.send(head + std::string(90'000, 'a')));
  ASSERT_TRUE(less.send(head + std::string(50'000, 'a')));
  EXPECT_EQ(status_of(less.read_to_end()), 408);
  EXPECT_EQ(bounded.hits(), (Hits{{"body_bytes_per_s_min", 1}}));
  EXPECT_EQ(status_of(more.read_to_end()), 408);
  EXPECT_TRUE(bounded.come_to({{"body_bytes_per_s_min", 2}}));
}

/// An app whose workers are all busy lets an upload wait: nobody is slow but the app.
TEST(BoundHits, ABodyThatTheAppDoesNotReadIsNotSlow) {
  std::atomic<bool> may_read{false};
  std::atomic<int> peers{0};
  RecordingApp app([&](RecordingApp::Peer& peer) {
    if (peers++ == 0) (void)eventually([&] { return may_read.load(); });
    if (!peer.read_request().empty()) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  const Bounded bounded(app, {"body_rate_window_ms=300"});
  std::string body;
  body.resize(30'000'000, 'x');
  RawClient patient(bounded.port());
  std::thread upload(
      [&] { (void)patient.send(post(fmt::format("Content-Length: {}\r\n", body.size()), body)); });
  EXPECT_TRUE(eventually([&] { return app.connections() == 1; }));
  // Bodies that are slow, one after the other, tell when windows have passed.
  for (std::uint64_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(status_of(answer_to(bounded.port(), post("Content-Length: 100\r\n", "slow"))), 408);
    EXPECT_TRUE(bounded.come_to({{"body_bytes_per_s_min", i}}));
  }
  may_read = true;
  upload.join();
  EXPECT_EQ(status_of(patient.read_answer()), 200);
}

/// The window begins when the client may send.
TEST(BoundHits, ABodyIsNotSlowForTheTimeThatTheAppTookToWantIt) {
  std::atomic<bool> may_continue{false};
  RecordingApp app([&](RecordingApp::Peer& peer) {
    if (peer.read_some().empty()) return;
    (void)eventually([&] { return may_continue.load(); });
    peer.send("HTTP/1.1 100 Continue\r\n\r\n");
    if (!peer.read_some().empty()) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  const Bounded bounded(app, {"body_rate_window_ms=2000", "head_ms_max=800"});
  const auto let_time_pass = [&] {  // until a connection that says nothing is closed
    EXPECT_EQ(RawClient(bounded.port()).read_to_end(), "");
  };
  RawClient client(bounded.port());
  ASSERT_TRUE(client.send(post("Expect: 100-continue\r\nContent-Length: 5\r\n")));
  for (int i = 0; i < 3; ++i) let_time_pass();
  may_continue = true;
  EXPECT_TRUE(client.take_through("\r\n\r\n").starts_with("HTTP/1.1 100 "));
  let_time_pass();
  ASSERT_TRUE(client.send("hello"));
  EXPECT_EQ(status_of(client.read_answer()), 200);
}

TEST(BoundHits, AConnectionThatSaysNothingIsClosedSilentlyBeforeAndAfterARequest) {
  RecordingApp app;
  const Bounded bounded(app, {"head_ms_max=200", "idle_ms_max=300"});
  RawClient never(bounded.port());
  EXPECT_EQ(never.read_to_end(), "");
  RawClient kept(bounded.port());
  ASSERT_TRUE(kept.send(kGet));
  EXPECT_EQ(status_of(kept.read_answer()), 200);
  EXPECT_EQ(kept.read_to_end(), "");
  EXPECT_FALSE(kept.was_reset());
  EXPECT_TRUE(bounded.come_to({{"head_ms_max", 1}, {"idle_ms_max", 1}}));
}

/// An address that takes no connection and refuses none: its queue is full.
class Deaf {
 public:
  Deaf() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_.get(), raw, length) != 0 || ::listen(listener_.get(), 0) != 0 ||
        ::getsockname(listener_.get(), raw, &length) != 0) {
      throw std::runtime_error("a listener for nobody");
    }
    address_ = fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
    for (int i = 0; i < 4; ++i) {
      waiting_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      const int begun = ::connect(waiting_.back().get(), raw, length);
      if (begun != 0 && errno != EINPROGRESS) throw std::runtime_error("a connection that waits");
    }
  }
  const std::string& address() const { return address_; }

 private:
  os::Fd listener_;
  std::vector<os::Fd> waiting_;
  std::string address_;
};

TEST(BoundHits, AnAppThatTakesNoConnectionIs504) {
  const Deaf deaf;
  const Bounded bounded(deaf.address(), {"connect_ms_max=200"});
  EXPECT_EQ(status_of(answer_to(bounded.port(), kGetOnce)), 504);
  EXPECT_GE(bounded.hits().at("connect_ms_max"), 1U);
}

TEST(BoundHits, AnAppThatFallsSilentIs504AndOnceItHasBegunACutAnswer) {
  RecordingApp app([](RecordingApp::Peer& peer) {
    const std::string request = peer.read_request();
    if (request.starts_with("GET /begun ")) {
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    }
    (void)peer.read_some();  // until the gateway has enough
  });
  const Bounded bounded(app, {"answer_ms_max=300"});
  EXPECT_EQ(status_of(answer_to(bounded.port(), kGetOnce)), 504);
  const std::string begun = answer_to(bounded.port(), "GET /begun HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(status_of(begun), 200);
  EXPECT_EQ(body_of(begun), "half");
  EXPECT_TRUE(bounded.come_to({{"answer_ms_max", 2}}));
}

TEST(BoundHits, AClientThatDoesNotReadIsClosed) {
  RecordingApp app([](RecordingApp::Peer& peer) {
    const std::string piece(1 << 20, 'x');
    if (peer.read_request().empty()) return;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n");
    for (int i = 0; i < 256 && peer.send(piece); ++i) continue;
  });
  const Bounded bounded(app, {"stall_ms_max=400"});
  RawClient client(bounded.port());
  ASSERT_TRUE(client.send(kGet));
  EXPECT_TRUE(bounded.come_to({{"stall_ms_max", 1}}));
  EXPECT_LT(client.read_to_end().size(), std::size_t{256} << 20);
}

TEST(BoundHits, AWebsocketWithoutAByteIsClosed) {
  RecordingApp app([](RecordingApp::Peer& peer) {
    if (peer.read_request().empty()) return;
    peer.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    (void)peer.read_some();
  });
  const Bounded bounded(app, {"websocket_idle_ms_max=300"});
  EXPECT_EQ(status_of(answer_to(bounded.port(), kUpgrade)), 101);
  EXPECT_TRUE(bounded.come_to({{"websocket_idle_ms_max", 1}}));
}

TEST(BoundHits, WhoDoesNotEndAfterOurLastWordIsNotWaitedForLong) {
  RecordingApp app;
  const Bounded bounded(app, {"linger_ms_max=200"});
  RawClient client(bounded.port());
  ASSERT_TRUE(client.send("nonsense\r\n\r\n"));
  EXPECT_EQ(status_of(client.read_to_end()), 400);
  EXPECT_TRUE(bounded.come_to({{"linger_ms_max", 1}}));
}

TEST(BoundHits, FurtherConnectionsAreClosedAndThoseHereServed) {
  RecordingApp app;
  const Bounded bounded(app, {"client_connections_max=3"});
  std::vector<std::unique_ptr<RawClient>> here;
  for (int i = 0; i < 3; ++i) {
    here.push_back(std::make_unique<RawClient>(bounded.port()));
    ASSERT_TRUE(here.back()->send(kGet));
    ASSERT_EQ(status_of(here.back()->read_answer()), 200) << i;
  }
  EXPECT_EQ(RawClient(bounded.port()).read_to_end(), "");
  for (const auto& client : here) {
    ASSERT_TRUE(client->send(kGet));
    EXPECT_EQ(status_of(client->read_answer()), 200);
  }
  EXPECT_TRUE(bounded.come_to({{"client_connections_max", 1}}));
}

TEST(BoundHits, WhatIsInFlightAtTheEndOfADrainIsCut) {
  std::atomic<bool> is_asked{false};
  RecordingApp app([&](RecordingApp::Peer& peer) {
    is_asked = !peer.read_request().empty();
    (void)peer.read_some();
  });
  Bounded bounded(app, {"drain_ms_max=300"});
  RawClient client(bounded.port());
  ASSERT_TRUE(client.send(kGet));
  ASSERT_TRUE(eventually([&] { return is_asked.load(); }));
  EXPECT_EQ(bounded.gateway().terminate(), 0);
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(BoundHits, WhatIsInFlightLongAfterAnUpgradeIsCut) {
  std::atomic<bool> is_asked{false};
  RecordingApp app([&](RecordingApp::Peer& peer) {
    if (!peer.read_request().starts_with("GET /never ")) {
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      return;
    }
    is_asked = true;
    (void)peer.read_some();
  });
  Bounded bounded(app, {"hand_over_ms_max=500"});
  RawClient client(bounded.port());
  ASSERT_TRUE(client.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_TRUE(eventually([&] { return is_asked.load(); }));
  ASSERT_EQ(::kill(bounded.gateway().pid(), SIGUSR2), 0);
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(status_of(answer_to(bounded.port(), kGetOnce)), 200);
  EXPECT_TRUE(bounded.come_to({{"hand_over_ms_max", 1}}));
}

/// To connections from one address to one place, of this thread's network.
void leave_two_ports() {
  std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << "50000 50001";
}

TEST(BoundHits, ATargetIsNotEjectedBecauseThisMachineHasNoPortLeft) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make a network";
  os::testing::on_a_host_of_its_own([] {
    RecordingApp app;
    const Bounded bounded(app, {"eject_failures=1"});
    leave_two_ports();
    const RawClient first(app.port());
    const RawClient second(app.port());
    EXPECT_EQ(status_of(answer_to(bounded.port(), kGetOnce)), 503);
    EXPECT_EQ(bounded.hits(), Hits());
  });
}

TEST(BoundHits, ATargetThatRefusedIsPassedOverForAsLongAsItSays) {
  RecordingApp living;
  const std::string dead = RecordingApp().address();
  for (const bool is_long : {true, false}) {
    Served served({"--workers", "1", "--bounds", "eject_failures=0", "--bounds",
                   is_long ? "down_ms=600000" : "down_ms=0"});
    Decisions decisions;
    ports::Arm both = arm(1, kAll, living);
    const auto port = static_cast<std::uint16_t>(std::stoi(dead.substr(dead.rfind(':') + 1)));
    both.backends[0].targets.push_back({.instance = "dead", .address = "127.0.0.1", .port = port});
    ASSERT_TRUE(served.traffic.apply(site({both}), decisions.next()));
    for (int i = 0; i < 20; ++i) ASSERT_EQ(status_of(answer_to(served.port(), get("a"))), 200) << i;
    const auto failures = served.traffic.counters(kKey)->arms[1].failures;
    if (is_long) {
      EXPECT_EQ(failures, 1U);
    } else {
      EXPECT_GT(failures, 5U);
    }
  }
}

}  // namespace
}  // namespace ecluse::gateway
