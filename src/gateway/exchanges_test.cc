// What a request and its answer go through between a client and an app that may misbehave.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "gateway/testing.h"

namespace ecluse::gateway::testing {

namespace {
using namespace std::string_literals;

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string kGetClose = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// An app that answers each request with exactly these bytes and then closes.
RecordingApp::Serve says(std::string answer) {
  return [answer = std::move(answer)](RecordingApp::Peer& peer) {
    if (!peer.read_request().empty()) peer.send(answer);
  };
}

std::string answer_through_gateway(const std::string& answer,
                                   const std::string& request = kGetClose) {
  RecordingApp app(says(answer));
  const Proxy proxy(app);
  return answer_to(proxy.port(), request);
}
}  // namespace

TEST(Exchange, KeepsConnectionsAliveOnBothSides) {
  RecordingApp app;
  const Proxy proxy(app, {"--workers", "1"});
  RawClient client(proxy.port());
  for (int i = 0; i < 20; ++i) {
    client.send(kGet);
    EXPECT_EQ(body_of(client.read_answer()), "ok");
  }
  EXPECT_EQ(app.connections(), 1U);
}

TEST(Exchange, AnswersPipelinedRequestsInOrder) {
  RecordingApp app([](RecordingApp::Peer& peer) {
    for (std::string r = peer.read_request(); !r.empty(); r = peer.read_request()) {
      const std::string path = r.substr(4, r.find(' ', 4) - 4);
      peer.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", path.size(), path));
    }
  });
  const Proxy proxy(app);
  RawClient client(proxy.port());
  std::string all;
  for (int i = 0; i < 200; ++i) all += fmt::format("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", i);
  client.send(all);
  for (int i = 0; i < 200; ++i) ASSERT_EQ(body_of(client.read_answer()), fmt::format("/{}", i));
}

TEST(Exchange, StreamsLargeBodiesBothWaysUnchanged) {
  RecordingApp app([](RecordingApp::Peer& peer) {
    const std::string request = peer.read_request();
    const std::string body = body_of(request);
    peer.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.size()));
    peer.send(body);
  });
  const Proxy proxy(app);
  std::string body(5'000'000, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 2654435761U >> 13);
  RawClient client(proxy.port());
  client.send(
      fmt::format("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{}", body.size(), body));
  EXPECT_TRUE(body_of(client.read_answer()) == body);
}

TEST(Exchange, ALargeAnswerThatEndsEarlyIsNoWholeOne) {
  RecordingApp app([](RecordingApp::Peer& peer) {
    if (peer.read_request().empty()) return;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n");
    peer.send(std::string(5'000'000, 'x'));
  });
  const Proxy proxy(app);
  RawClient client(proxy.port());
  client.send(kGet);
  const std::string answer = client.read_to_end();
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_LE(body_of(answer).size(), 5'000'000U);
  EXPECT_FALSE(client.timed_out());
}

TEST(Exchange, HoldsNoUploadThatTheAppDoesNotRead) {
  std::atomic<bool> may_read{false};
  RecordingApp app([&](RecordingApp::Peer& peer) {
    (void)eventually([&] { return may_read.load(); });
    peer.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
                          peer.read_request().empty() ? "no" : "ok"));
  });
  const Proxy proxy(app);
  RawClient client(proxy.port());
  std::string body;
  body.resize(60'000'000, 'x');
  std::atomic<bool> sent{false};
  std::thread sender([&] {
    client.send(
        fmt::format("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.size()));
    client.send(body);
    sent = true;
  });
  // The kernel's buffers take some megabytes; the gateway must not take the rest.
  const auto rss_kb = [&] {
    std::ifstream status(fmt::format("/proc/{}/statm", proxy.gateway->worker_pid()));
    long pages = 0;
    long resident = 0;
    status >> pages >> resident;
    return resident * 4;
  };
  (void)eventually([&] { return app.connections() == 1; });
  const long before = rss_kb();
  may_read = true;
  sender.join();
  EXPECT_TRUE(sent);
  EXPECT_LT(rss_kb() - before, 20'000);
  EXPECT_EQ(body_of(client.read_answer()), "ok");
}

TEST(Exchange, FramesAnAnswerOfUnknownLengthAsChunks) {
  const std::string answer = answer_through_gateway("HTTP/1.1 200 OK\r\n\r\nhello");
  EXPECT_NE(answer.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(body_of(answer), "5\r\nhello\r\n0\r\n\r\n");
}

TEST(Exchange, ClosesAfterAnAnswerOfUnknownLengthToHttp10) {
  const std::string answer = answer_through_gateway(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(answer.find("Transfer-Encoding"), std::string::npos);
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(body_of(answer), "hello");
}

TEST(Exchange, WritesChunksAnewAndDropsTrailers) {
  const std::string answer = answer_through_gateway(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
      "2;a=b\r\nhe\r\n03\r\nllo\r\n0\r\nX: y\r\n\r\n");
  EXPECT_EQ(answer.find("Trailer"), std::string::npos);
  EXPECT_EQ(body_of(answer), "5\r\nhello\r\n0\r\n\r\n");
}

TEST(Exchange, SendsNoBodyWhereThereIsNone) {
  const std::string head =
      answer_through_gateway("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
                             "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_EQ(body_of(head), "");
  const std::string none =
      answer_through_gateway("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(none.find("Content-Length"), std::string::npos);
  EXPECT_EQ(body_of(none), "");
  EXPECT_EQ(
      body_of(answer_through_gateway("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n")),
      "");
}

TEST(Exchange, GivesDateAndStripsHopFieldsOfAnswers) {
  const std::string answer = answer_through_gateway(
      "HTTP/1.1 200 OK\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
      "Upgrade: h2c\r\nX-Ecluse-Release: 9\r\nSet-Cookie: a=b\r\nX_Odd: c\r\nContent-Length: "
      "0\r\n\r\n");
  EXPECT_EQ(answer.find("X-Hop"), std::string::npos);
  EXPECT_EQ(answer.find("Keep-Alive"), std::string::npos);
  EXPECT_EQ(answer.find("Upgrade"), std::string::npos);
  EXPECT_EQ(answer.find("X-Ecluse-Release"), std::string::npos);
  EXPECT_NE(answer.find("Set-Cookie: a=b\r\n"), std::string::npos);
  EXPECT_NE(answer.find("X_Odd: c\r\n"), std::string::npos);
  EXPECT_NE(answer.find("\r\nDate: "), std::string::npos);
}

TEST(Exchange, RelaysContinueAndEarlyHints) {
  RecordingApp app([](RecordingApp::Peer& peer) {
    const std::string head = peer.read_some();
    if (head.find("Expect: 100-continue\r\n") == std::string::npos) return;
    peer.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    const std::string body = peer.read_some();
    peer.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.size(), body));
  });
  const Proxy proxy(app);
  RawClient client(proxy.port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  const std::string interim = client.read_until("100 Continue\r\n\r\n");
  EXPECT_TRUE(interim.starts_with("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")) << interim;
  client.send("hello");
  EXPECT_NE(client.read_until("\r\n\r\nhello").find("HTTP/1.1 200 OK"), std::string::npos);
}

TEST(Exchange, ClosesWhenTheAppRefusesABodyThatWasNotSent) {
  RecordingApp app([](RecordingApp::Peer& peer) {
    if (!peer.read_some().empty()) peer.send("HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno");
  });
  const Proxy proxy(app);
  const std::string answer =
      answer_to(proxy.port(),
                "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(status_of(answer), 401);
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
}

/// Many clients read only when they have said all; a reset would take the answer from them.
TEST(Exchange, ARefusedUploadMayBeSentToItsEnd) {  // RFC 9112 section 9.6
  RecordingApp app;
  const Proxy proxy(app, {"--bounds", "body_bytes_max=1000,linger_ms_max=20000"});
  constexpr std::size_t kBytes = 64 << 20;
  RawClient client(proxy.port());
  ASSERT_TRUE(
      client.send(fmt::format("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", kBytes)));
  EXPECT_TRUE(client.send(std::string(kBytes, 'x')));
  client.end_sending();
  EXPECT_EQ(status_of(client.read_to_end()), 413);
  EXPECT_FALSE(client.was_reset());
}

TEST(HostileApp, FaultyFramingIs502AndTheConnectionIsNotUsedAgain) {
  for (const std::string& answer : std::vector<std::string>{
           "garbage\r\n\r\n",
           "<html>hello</html>",
           "HTTP/0.9 200 OK\r\n\r\n",
           "HTTP/2 200\r\n\r\n",
           "HTTP/1.1 20 OK\r\n\r\n",
           "HTTP/1.1 2000 OK\r\n\r\n",
           "HTTP/1.1 600 X\r\n\r\n",
           "HTTP/1.1 099 X\r\n\r\n",
           "HTTP/1.1  200 OK\r\n\r\n",
           "HTTP/1.1 200 OK\nA: b\n\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
           "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\na",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
           "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n"s,
           "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
           "HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
           "HTTP/1.1 200 OK\r\nA\r\n\r\n",
           "HTTP/1.1 200 O\x01K\r\n\r\n",
           "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
           "HTTP/1.1 200 OK\r\nA: " + std::string(20000, 'b') + "\r\n\r\n",
           "HTTP/1.1 200 OK\r\n"}) {
    SCOPED_TRACE(answer.substr(0, 60));
    const std::string got = answer_through_gateway(answer);
    EXPECT_EQ(status_of(got), 502);
    EXPECT_NE(body_of(got), "");
  }
}

TEST(HostileApp, ATruncatedBodyNeverEndsCleanly) {
  const std::string with_length =
      answer_through_gateway("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  EXPECT_NE(with_length.find("Content-Length: 10\r\n"), std::string::npos);
  EXPECT_EQ(body_of(with_length), "hello");
  const std::string with_chunks =
      answer_through_gateway("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  EXPECT_EQ(body_of(with_chunks).find("0\r\n\r\n"), std::string::npos);
  const std::string faulty_chunks = answer_through_gateway(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx\r\n0\r\n\r\n");
  EXPECT_EQ(body_of(faulty_chunks).find("0\r\n\r\n"), std::string::npos);
}

TEST(HostileApp, ATruncatedBodyResetsAnHttp10Client) {
  RecordingApp app(says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"));
  const Proxy proxy(app);
  RawClient client(proxy.port());
  client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  client.read_to_end();
  EXPECT_TRUE(client.was_reset());
}

TEST(HostileApp, SurplusBytesCloseItsConnection) {
  RecordingApp app([](RecordingApp::Peer& peer) {
    while (!peer.read_request().empty()) {
      peer.send(
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: "
          "4\r\n\r\nevil");
    }
  });
  const Proxy proxy(app, {"--workers", "1"});
  RawClient client(proxy.port());
  for (int i = 0; i < 5; ++i) {
    client.send(kGet);
    EXPECT_EQ(body_of(client.read_answer()), "ok");
  }
  EXPECT_EQ(app.connections(), 5U);
}

/// A body long enough that the kernel moves it from connection to connection (Pump::may_splice).
const std::string& large_body() {
  static const std::string kBody(1 << 20, 'b');
  return kBody;
}

// The surplus comes with the last bytes of the body, which are taken by their count: it stays in
// the kernel, and the next request of the same client follows in the same turn.
TEST(HostileApp, SurplusBehindALargeAnswerIsNobodysAnswer) {
  constexpr std::size_t kLastBytes = 80 * 1024;
  std::promise<void> first_part_came;
  std::atomic<bool> is_first{true};  // each connection has a thread
  RecordingApp app([&](RecordingApp::Peer& peer) {
    while (!peer.read_request().empty()) {
      if (!is_first.exchange(false)) {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        continue;
      }
      peer.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}|half|",
                            large_body().size() + 6 + kLastBytes, large_body()));
      first_part_came.get_future().wait_for(kPatience);
      peer.send(std::string(kLastBytes, 'c') + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    }
  });
  const Proxy proxy(app, {"--workers", "1"});
  RawClient client(proxy.port());
  client.send(std::string(kGet) + std::string(kGet));
  client.take_through("|half|");
  first_part_came.set_value();
  client.take_through(std::string(kLastBytes, 'c'));
  EXPECT_EQ(body_of(client.read_answer()), "ok");
  EXPECT_EQ(app.connections(), 2U);
}

TEST(Exchange, ALargeAnswerLeavesItsConnectionOpenForTheNext) {
  RecordingApp app(large_body());
  const Proxy proxy(app, {"--workers", "1"});
  RawClient client(proxy.port());
  for (int i = 0; i < 50; ++i) {
    client.send(kGet);
    ASSERT_EQ(body_of(client.read_answer()).size(), large_body().size());
  }
  EXPECT_EQ(app.connections(), 1U);
}

TEST(HostileApp, AnAppThatNeverAnswersIs504) {
  RecordingApp app([](RecordingApp::Peer& peer) {
    while (!peer.read_request().empty()) {
    }
  });
  const Proxy proxy(app, {"--bounds", "answer_ms_max=200"});
  EXPECT_EQ(status_of(answer_to(proxy.port(), kGetClose)), 504);
}

TEST(HostileApp, AnAppThatIsNotThereIs503WithRetryAfter) {
  std::uint16_t unused = 0;
  {
    unused = RecordingApp().port();
  }
  const GatewayProcess gateway(
      {"--listen", "127.0.0.1:0", "--to", fmt::format("127.0.0.1:{}", unused)});
  const std::string answer = answer_to(gateway.port(), kGetClose);
  EXPECT_EQ(status_of(answer), 503);
  EXPECT_NE(answer.find("Retry-After: "), std::string::npos);
}

/// The path that a request asks for.
std::string path_of(const std::string& request) {
  const std::size_t begin = request.find(' ') + 1;
  return request.substr(begin, request.find(' ', begin) - begin);
}

TEST(Pool, ARequestOutlivesTheIdleTimeOfTheConnectionItWasGiven) {
  std::atomic<int> ended{0};
  std::atomic<bool> may_answer{false};
  RecordingApp app([&](RecordingApp::Peer& peer) {
    for (std::string r = peer.read_request(); !r.empty(); r = peer.read_request()) {
      if (path_of(r) == "/slow") (void)eventually([&] { return may_answer.load(); });
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
    ++ended;
  });
  const Proxy proxy(app, {"--workers", "1", "--bounds", "pool_idle_ms_max=50"});
  RawClient slow(proxy.port());
  slow.send(kGet);
  ASSERT_EQ(body_of(slow.read_answer()), "ok");
  slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return app.received().find("/slow") != std::string::npos; }));
  ASSERT_EQ(app.connections(), 1U);
  // One that goes into the pool later is closed for being idle: the first one's time is over too.
  RawClient other(proxy.port());
  other.send(kGet);
  ASSERT_EQ(body_of(other.read_answer()), "ok");
  ASSERT_TRUE(eventually([&] { return ended == 1; }));
  may_answer = true;
  EXPECT_EQ(body_of(slow.read_answer()), "ok");
}

TEST(Pool, AnIdleConnectionToTheAppIsClosed) {
  std::atomic<int> ended{0};
  RecordingApp app([&](RecordingApp::Peer& peer) {
    while (!peer.read_request().empty()) {
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
    ++ended;
  });
  const Proxy proxy(app, {"--workers", "1", "--bounds", "pool_idle_ms_max=50"});
  RawClient client(proxy.port());
  client.send(kGet);
  ASSERT_EQ(body_of(client.read_answer()), "ok");
  EXPECT_TRUE(eventually([&] { return ended == 1; }));
  client.send(kGet);  // who came by it is still here
  EXPECT_EQ(body_of(client.read_answer()), "ok");
}

TEST(Pool, APostDoesNotGoOutOnAConnectionThatWasIdleLonger) {
  RecordingApp app;
  const Proxy proxy(app, {"--workers", "1", "--bounds", "unsafe_reuse_ms_max=20,head_ms_max=200"});
  RawClient client(proxy.port());
  client.send(kGet);
  ASSERT_EQ(body_of(client.read_answer()), "ok");
  EXPECT_EQ(RawClient(proxy.port()).read_to_end(), "");  // one that says nothing: time has passed
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
  ASSERT_EQ(body_of(client.read_answer()), "ok");
  EXPECT_EQ(app.connections(), 2U);
  EXPECT_EQ(RawClient(proxy.port()).read_to_end(), "");
  client.send(kGet);  // which may be repeated
  ASSERT_EQ(body_of(client.read_answer()), "ok");
  EXPECT_EQ(app.connections(), 2U);
}

TEST(Retry, AnIdempotentRequestSurvivesAStaleConnection) {
  // Each connection answers one request, then is reset when the second one comes.
  RecordingApp app([](RecordingApp::Peer& peer) {
    if (!peer.read_request().empty()) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    if (!peer.read_request().empty()) peer.reset();
  });
  const Proxy proxy(app, {"--workers", "1"});
  RawClient client(proxy.port());
  for (int i = 0; i < 6; ++i) {
    client.send(kGet);
    EXPECT_EQ(status_of(client.read_answer()), 200);
  }
}

TEST(Retry, APostThatMayHaveHappenedIsNotRepeated) {
  std::atomic<int> posts{0};
  RecordingApp app([&](RecordingApp::Peer& peer) {
    if (!peer.read_request().empty()) ++posts;
    peer.reset();
  });
  const Proxy proxy(app);
  EXPECT_EQ(status_of(answer_to(
                proxy.port(),
                "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi")),
            502);
  EXPECT_EQ(posts, 1);
}

TEST(Retry, HappensOnceAndOnlyWhereItDoesNoHarm) {
  // Each connection takes one request, says what its path asks for, and ends.
  RecordingApp app([](RecordingApp::Peer& peer) {
    const std::string path = path_of(peer.read_request());
    if (path == "/half") peer.send("HTTP/1.1 200 OK\r\nContent-");
    if (path == "/hints") peer.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
  });
  const Proxy proxy(app, {"--workers", "1"});
  const std::string end = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
  const std::vector<std::pair<std::string, std::size_t>> all{
      {"GET /" + end + "\r\n", 2},     {"HEAD /" + end + "\r\n", 2},
      {"DELETE /" + end + "\r\n", 2},  {"PUT /" + end + "Content-Length: 2\r\n\r\nhi", 1},
      {"POST /" + end + "\r\n", 1},    {"PATCH /" + end + "\r\n", 1},
      {"GET /half" + end + "\r\n", 1}, {"GET /hints" + end + "\r\n", 1}};
  for (const auto& [request, attempts] : all) {
    const std::size_t before = app.connections();
    const std::string answer = answer_to(proxy.port(), request);
    EXPECT_NE(answer.find("HTTP/1.1 502 "), std::string::npos) << request << answer;
    EXPECT_EQ(app.connections() - before, attempts) << request;
  }
}

/// What may not be repeated must not be sent where nobody reads any more.
TEST(Pool, AConnectionThatTheAppEndedIsNotUsedForAPost) {
  std::atomic<std::size_t> ended{0};
  RecordingApp app([&](RecordingApp::Peer& peer) {
    if (peer.read_request().empty()) return;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    if (::shutdown(peer.fd(), SHUT_RDWR) == 0) ++ended;
  });
  const Proxy proxy(app, {"--workers", "1"});
  RawClient client(proxy.port());
  for (std::size_t i = 1; i <= 20; ++i) {
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    ASSERT_EQ(status_of(client.read_answer()), 200) << i;
    ASSERT_TRUE(eventually([&] { return ended == i; }));
  }
  EXPECT_EQ(app.connections(), 20U);
}

TEST(Retry, ADeadTargetIsPassedOverForALivingOne) {
  std::uint16_t unused = 0;
  {
    unused = RecordingApp().port();
  }
  RecordingApp app;
  const GatewayProcess gateway({"--listen", "127.0.0.1:0", "--to",
                                fmt::format("127.0.0.1:{}", unused), "--to", app.address(),
                                "--workers", "2"});
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(status_of(answer_to(gateway.port(), kGetClose)), 200);
    EXPECT_EQ(
        status_of(answer_to(
            gateway.port(),
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi")),
        200);
  }
}

namespace {
const std::string kUpgrade =
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

void echo_websocket(RecordingApp::Peer& peer) {
  if (peer.read_request().find("Upgrade: websocket\r\n") == std::string::npos) return;
  peer.send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  for (std::string bytes = peer.read_some(); !bytes.empty(); bytes = peer.read_some()) {
    peer.send(bytes);
  }
}
}  // namespace

TEST(WebSocket, BytesPassBothWaysAfterThe101) {
  RecordingApp app(echo_websocket);
  const Proxy proxy(app);
  RawClient client(proxy.port());
  client.send(kUpgrade);
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_EQ(status_of(head), 101);
  EXPECT_NE(head.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), std::string::npos);
  EXPECT_NE(head.find("Upgrade: websocket\r\n"), std::string::npos);
  std::string message = "\x82\xfe";
  for (int i = 0; i < 200'000; ++i) message += static_cast<char>(i * 7);
  std::thread sender([&] { client.send(message + "end"); });
  const std::string echoed = client.read_until("end");
  sender.join();
  EXPECT_TRUE(echoed == head + message + "end");
  client.end_sending();
  client.read_to_end();
  EXPECT_FALSE(client.timed_out());
}

TEST(WebSocket, ARefusedUpgradeIsAnOrdinaryAnswer) {
  RecordingApp app("no");
  const Proxy proxy(app);
  RawClient client(proxy.port());
  client.send(kUpgrade);
  EXPECT_EQ(status_of(client.read_answer()), 200);
  client.send(kGet);
  EXPECT_EQ(status_of(client.read_answer()), 200);
}

TEST(Gateway, ATerminatedOneFinishesWhatIsInFlight) {
  std::atomic<bool> asked{false};
  std::atomic<bool> may_answer{false};
  RecordingApp app([&](RecordingApp::Peer& peer) {
    if (peer.read_request().empty()) return;
    asked = true;
    (void)eventually([&] { return may_answer.load(); });
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  const Proxy proxy(app);
  RawClient client(proxy.port());
  client.send(kGet);
  ASSERT_TRUE(eventually([&] { return asked.load(); }));
  ASSERT_EQ(::kill(proxy.gateway->pid(), SIGTERM), 0);
  ASSERT_TRUE(eventually([&] { return RawClient(proxy.port()).was_reset(); }));
  may_answer = true;
  const std::string answer = client.read_to_end();
  EXPECT_EQ(body_of(answer), "ok");
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(proxy.gateway->terminate(), 0);
}

}  // namespace ecluse::gateway::testing
