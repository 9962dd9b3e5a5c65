#include "loader.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "test_server.h"

namespace ecluse::load {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr Micros kDeadline = 20'000'000;

/// Runs a loader against a server until a condition holds; then stops it and reads its report.
class LoadRun {
 public:
  LoadRun(const std::string& address, Mix mix, double rate, Micros timeout = 5'000'000,
          std::size_t websockets = 0)
      : poller_(*Poller::make()),
        loader_(poller_, {.target = *parse_target(address, "app.localhost"),
                          .mix = std::move(mix),
                          .rate = rate,
                          .websockets = websockets,
                          .timeout = timeout}) {}

  std::string obey(std::string_view line) { return loader_.obey(line); }

  json until(const std::function<bool(const json&)>& enough) {
    const Micros give_up = now_us() + kDeadline;
    json now = json::parse(loader_.report());
    while (!enough(now) && now_us() < give_up) {
      loader_.step(now_us() + 5000);
      now = json::parse(loader_.report());
    }
    EXPECT_TRUE(enough(now)) << now.dump(1);
    return now;
  }

  json finish() {
    loader_.obey("stop");
    const Micros give_up = now_us() + kDeadline;
    while (!loader_.finished() && now_us() < give_up) loader_.step(now_us() + 5000);
    EXPECT_TRUE(loader_.finished()) << loader_.report();
    return json::parse(loader_.report());
  }

 private:
  Poller poller_;
  Loader loader_;
};

Mix only(Kind kind, const std::string& path = "/") {
  Mix mix;
  EXPECT_TRUE(mix.add(kind, path));
  return mix;
}

auto sent(int count) {
  return [count](const json& report) { return report["requests_sent"] >= count; };
}
auto lost(int count) {
  return [count](const json& report) { return report["requests_lost"] >= count; };
}

void answer_for_ever(Peer& peer, int) {
  while (!peer.request().empty()) peer.answer("X-Ecluse-Release: 1\r\n", "hello");
}

TEST(Loader, AnswersEveryRequestOverFewConnections) {
  TestServer server(answer_for_ever);
  LoadRun run(server.address(), only(Kind::kGet), 500);
  run.until(sent(100));
  const json report = run.finish();
  EXPECT_EQ(report["requests_lost"], 0);
  EXPECT_EQ(report["requests_answered"], report["requests_sent"]);
  EXPECT_EQ(report["release"]["1"]["answered"], report["requests_sent"]);
  EXPECT_LT(server.connections(), 50);
}

TEST(Loader, PeopleComeBackWithTheirCookie) {
  Request request;
  request.path = "/";
  EXPECT_EQ(request_bytes(request, "a").find("Cookie"), std::string::npos);
  request.person = 7;
  const auto id = client_id_of(7);
  EXPECT_EQ(id.size(), 32U);
  EXPECT_EQ(id, client_id_of(7));
  EXPECT_NE(id, client_id_of(8));
  EXPECT_NE(request_bytes(request, "a").find("\r\nCookie: ecluse_client=" + id + "\r\n"),
            std::string::npos);
}

TEST(Loader, NewConnectionPerRequestWhenAsked) {
  TestServer server([](Peer& peer, int) {
    peer.request();
    peer.answer("Connection: close\r\n", "bye");
  });
  LoadRun run(server.address(), only(Kind::kNew), 300);
  run.until(sent(30));
  const json report = run.finish();
  EXPECT_EQ(report["requests_lost"], 0);
  EXPECT_EQ(report["requests_sent"], server.connections());
}

TEST(Loader, ArrivalsDoNotWaitForAnswers) {
  std::atomic<bool> answer = false;
  TestServer server([&](Peer& peer, int) {
    while (!peer.request().empty()) {
      answer.wait(false);
      peer.answer("", "late");
    }
  });
  LoadRun run(server.address(), only(Kind::kGet), 200);
  const json stuck = run.until(sent(60));
  EXPECT_EQ(stuck["requests_answered"], 0);
  answer = true;
  answer.notify_all();
  const json report = run.finish();
  EXPECT_EQ(report["requests_lost"], 0);
  // The first one waited for all sixty arrivals, 5 ms apart: the stall is in the latencies.
  EXPECT_GT(report["latency_ms"]["max"], 250.0);
}

TEST(Loader, RefusedConnectionIsALoss) {
  std::string address;
  {
    address = TestServer(answer_for_ever).address();
  }
  LoadRun run(address, only(Kind::kGet), 100);
  run.until(lost(3));
  const json report = run.finish();
  EXPECT_EQ(report["lost_by"]["refused"], report["requests_sent"]);
}

TEST(Loader, ConnectionClosedWithoutAnswerIsALoss) {
  TestServer server([](Peer& peer, int) { peer.request(); });
  LoadRun run(server.address(), only(Kind::kGet), 100);
  const json report = run.until(lost(3));
  EXPECT_GE(report["lost_by"]["closed"], 3);
  EXPECT_GT(report["losses"][0]["connected_ms"], 0.0);
}

TEST(Loader, ResetIsALoss) {
  TestServer server([](Peer& peer, int) {
    peer.request();
    peer.reset();
  });
  LoadRun run(server.address(), only(Kind::kGet), 100);
  EXPECT_GE(run.until(lost(3))["lost_by"]["reset"], 3);
}

TEST(Loader, TruncatedAnswerIsALoss) {
  TestServer server([](Peer& peer, int) {
    peer.request();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  });
  LoadRun run(server.address(), only(Kind::kGet), 100);
  EXPECT_GE(run.until(lost(3))["lost_by"]["truncated"], 3);
}

TEST(Loader, SilenceIsALossAfterTheTimeout) {
  TestServer server([](Peer& peer, int) {
    while (!peer.request().empty()) continue;
  });
  LoadRun run(server.address(), only(Kind::kGet), 100, 100'000);
  EXPECT_GE(run.until(lost(3))["lost_by"]["timeout"], 3);
}

TEST(Loader, IdleConnectionThatIsClosedLosesNothing) {
  TestServer server([](Peer& peer, int) {
    peer.request();
    peer.answer_and_leave("one, then I leave without a word");
  });
  LoadRun run(server.address(), only(Kind::kGet), 20);
  run.until(sent(10));
  const json report = run.finish();
  EXPECT_EQ(report["requests_lost"], 0);
}

TEST(Loader, SlowReaderGetsItsWholeAnswer) {
  const std::string big(40'000, 'b');
  TestServer server([&](Peer& peer, int) {
    peer.request();
    peer.answer("Connection: close\r\n", big);
  });
  LoadRun run(server.address(), only(Kind::kSlowRead), 20);
  run.until(sent(5));
  const json report = run.finish();
  EXPECT_EQ(report["requests_lost"], 0);
  EXPECT_GT(report["latency_ms"]["p50"], 200.0);  // 40,000 bytes, 2048 every 20 ms
}

TEST(Loader, PostsItsWholeBody) {
  TestServer server([](Peer& peer, int) {
    while (peer.request().ends_with("xxxx")) peer.answer("", "got it");
  });
  LoadRun run(server.address(), only(Kind::kPost), 100);
  run.until(sent(10));
  EXPECT_EQ(run.finish()["requests_lost"], 0);
}

TEST(Loader, PhasesAndAllowedReleasesAreSwitchedByCommand) {
  TestServer server(answer_for_ever);
  LoadRun run(server.address(), only(Kind::kGet), 200);
  run.obey("allow 1,2");
  run.until(sent(10));
  EXPECT_TRUE(json::parse(run.obey("phase wrong"))["ok"]);
  run.obey("allow 2");
  run.until([](const json& report) { return report["wrong_release"] >= 5; });
  const json report = run.finish();
  EXPECT_EQ(report["phases"][0]["wrong_release"], 0);
  EXPECT_EQ(report["phases"][1]["name"], "wrong");
  EXPECT_FALSE(json::parse(run.obey("dance"))["ok"]);
}

TEST(Loader, RateChangesByCommand) {
  TestServer server(answer_for_ever);
  LoadRun run(server.address(), only(Kind::kGet), 0);
  EXPECT_EQ(json::parse(run.obey("report"))["requests_sent"], 0);
  run.obey("rate 200");
  run.until(sent(20));
  EXPECT_EQ(run.finish()["requests_lost"], 0);
}

void echo_for_ever(Peer& peer, int) {
  peer.upgrade();
  for (std::string frame = peer.frame(); !frame.empty() && frame[0] != 8; frame = peer.frame())
    peer.write_frame(1, frame.substr(1));
}

TEST(Loader, WebSocketsEchoEveryMessage) {
  TestServer server(echo_for_ever);
  LoadRun run(server.address(), only(Kind::kWebSocket, "/ws"), 200, 5'000'000, 4);
  run.until([](const json& report) { return report["requests_answered"] >= 50; });
  const json report = run.finish();
  EXPECT_EQ(report["requests_lost"], 0);
  EXPECT_EQ(report["requests_answered"], report["requests_sent"]);
  EXPECT_EQ(server.connections(), 4);
}

TEST(Loader, DrainedWebSocketComesBackAndLosesNothing) {
  TestServer server([](Peer& peer, int number) {
    if (number > 2) return echo_for_ever(peer, number);
    peer.upgrade();
    peer.frame();  // swallowed: the drain came first
    peer.write_frame(8, "\x03\xf4");
    peer.frame();
  });
  LoadRun run(server.address(), only(Kind::kWebSocket, "/ws"), 100, 5'000'000, 2);
  run.until([](const json& report) { return report["requests_answered"] >= 20; });
  const json report = run.finish();
  EXPECT_EQ(report["requests_lost"], 0);
  EXPECT_EQ(report["websocket"]["drained"], 2);
  EXPECT_GE(report["websocket"]["messages_resent"], 2);
}

TEST(Loader, WebSocketThatBreaksIsALoss) {
  TestServer server([](Peer& peer, int number) {
    if (number > 1) return echo_for_ever(peer, number);
    peer.upgrade();
    peer.frame();
  });
  LoadRun run(server.address(), only(Kind::kWebSocket, "/ws"), 100, 5'000'000, 1);
  run.until([](const json& report) { return report["requests_answered"] >= 5; });
  EXPECT_GE(run.finish()["lost_by"]["websocket"], 2);  // the session, and its message
}

TEST(Loader, WebSocketRefusedByTheGatewayIsALoss) {
  TestServer server([](Peer& peer, int) {
    peer.request();
    peer.write("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
  });
  LoadRun run(server.address(), only(Kind::kWebSocket, "/ws"), 0, 5'000'000, 1);
  EXPECT_GE(run.until(lost(2))["lost_by"]["gateway_error"], 2);
}

TEST(Target, OnlyThisMachineIsEverLoaded) {
  EXPECT_TRUE(parse_target("127.0.0.1:80", ""));
  EXPECT_TRUE(parse_target("127.8.9.1:80", ""));
  EXPECT_TRUE(parse_target("[::1]:80", ""));
  for (const char* text : {"10.0.0.1:80", "0.0.0.0:80", "example.org:80", "[::]:80"}) {
    const auto target = parse_target(text, "");
    ASSERT_FALSE(target) << text;
    EXPECT_EQ(target.error().kind, ErrorKind::kRefused);
  }
  EXPECT_FALSE(parse_target("127.0.0.1", ""));
}

TEST(Mix, PicksByWeight) {
  Mix mix;
  ASSERT_TRUE(mix.add(Kind::kGet, "/a:9"));
  ASSERT_TRUE(mix.add(Kind::kSlow, "/b:1"));
  Prng prng(7);
  int slow = 0;
  for (int i = 0; i < 10'000; ++i) slow += mix.pick(prng).kind == Kind::kSlow ? 1 : 0;
  EXPECT_NEAR(slow, 1000, 120);
  EXPECT_FALSE(mix.add(Kind::kGet, "/a:many"));
  EXPECT_FALSE(mix.add(Kind::kGet, "a"));
}

}  // namespace
}  // namespace ecluse::load
