// The control plane's side of the gateway, against the running program.
#include "gateway/traffic_client.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "gateway/measurements_client.h"
#include "gateway/testing_sites.h"
#include "ports/traffic_conformance.h"

namespace ecluse::gateway::testing {

namespace {
using ports::Arm;
using ports::Backend;
using ports::Fence;
using ports::Site;
using ports::SiteMode;
using ports::Target;
using ports::TrafficConformance;

/// For the conformance suite: a client that owns its gateway.
class OwningClient : public TrafficClient {
 public:
  explicit OwningClient(std::unique_ptr<TemporaryFolder> folder)
      : TrafficClient(folder->path() / "gateway.sock"),
        folder_(std::move(folder)),
        gateway_(arguments_of(folder_->path())) {}

 private:
  std::unique_ptr<TemporaryFolder> folder_;
  GatewayProcess gateway_;
};

}  // namespace

INSTANTIATE_TEST_SUITE_P(Gateway, TrafficConformance, ::testing::Values([] {
                           return std::make_unique<OwningClient>(
                               std::make_unique<TemporaryFolder>());
                         }));

TEST(Routing, GoesByHostWildcardAndPathPrefix) {
  RecordingApp web("web");
  RecordingApp api("api");
  Served served;
  Decisions decisions;
  Site routed = site({arm(1, kAll, web)});
  Backend second = arm(1, kAll, api).backends.front();
  second.process = "api";
  second.prefixes = {"/api"};
  routed.arms[0].backends.push_back(second);
  routed.redirects = {{"www.a", "a"}};
  ASSERT_TRUE(served.traffic.apply(routed, decisions.next()));
  const auto body = [&](const std::string& host, const std::string& path) {
    return body_of(answer_to(served.port(), get(host, path)));
  };
  EXPECT_EQ(body("a", "/"), "web");
  EXPECT_EQ(body("A:8080", "/apix"), "web");
  EXPECT_EQ(body("a.", "/api"), "api");
  EXPECT_EQ(body("x.y.wild.example", "/api/z?q"), "api");
  EXPECT_EQ(body("a", "/api?q"), "api");
  EXPECT_EQ(status_of(answer_to(served.port(), get("wild.example"))), 404);
  EXPECT_EQ(status_of(answer_to(served.port(), get("unknown"))), 404);
  const std::string redirect = answer_to(served.port(), get("www.a", "/x?y"));
  EXPECT_EQ(status_of(redirect), 308);
  EXPECT_EQ(value_of(redirect, "Location"), "http://a/x?y");
  EXPECT_EQ(status_of(answer_to(served.port(), get("www.a."))), 308);
  const std::string of_no_path =
      answer_to(served.port(), "OPTIONS * HTTP/1.1\r\nHost: www.a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(value_of(of_no_path, "Location"), "http://a");
}

TEST(Routing, OpensAndClosesAPortOfItsOwn) {
  RecordingApp app("own");
  std::uint16_t free_port = 0;
  {
    free_port = RecordingApp().port();
  }
  Served served;
  Decisions decisions;
  Site own = site({arm(1, kAll, app)});
  own.hosts.clear();
  own.port = free_port;
  ASSERT_TRUE(served.traffic.apply(own, decisions.next()));
  EXPECT_EQ(body_of(answer_to(free_port, get("whatever"))), "own");
  served.gateway->kill_worker();
  EXPECT_EQ(body_of(answer_to(free_port, get("whatever"))), "own");
  own.port = std::nullopt;
  ASSERT_TRUE(served.traffic.apply(own, decisions.next()));
  EXPECT_TRUE(eventually([&] { return RawClient(free_port).was_reset(); }));
  own.port = app.port();  // taken by the app
  const auto taken = served.traffic.apply(own, decisions.next());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().kind, ErrorKind::kConflict);
}

TEST(Routing, SaysWhyThereIsNoApp) {
  RecordingApp app("app");
  Served served;
  Decisions decisions;
  ASSERT_TRUE(served.traffic.apply(site({}), decisions.next()));
  const std::string nothing = answer_to(served.port(), get("a"));
  EXPECT_EQ(status_of(nothing), 503);
  EXPECT_NE(value_of(nothing, "Retry-After"), "");
  Site red = site({arm(1, kAll, app)});
  red.arms[0].backends[0].targets[0].ready = false;
  ASSERT_TRUE(served.traffic.apply(red, decisions.next()));
  EXPECT_EQ(status_of(answer_to(served.port(), get("a"))), 503);
  Site maintained = site({arm(1, kAll, app)});
  maintained.mode = SiteMode::kMaintenance;
  ASSERT_TRUE(served.traffic.apply(maintained, decisions.next()));
  const std::string maintenance = answer_to(served.port(), get("a"));
  EXPECT_EQ(status_of(maintenance), 503);
  EXPECT_NE(body_of(maintenance).find("Maintenance"), std::string::npos);
  EXPECT_EQ(app.received(), "");
}

TEST(Routing, PassesOverAnInstanceThatIsNotReady) {
  RecordingApp ready("ready");
  RecordingApp starting("starting");
  Served served;
  Decisions decisions;
  Site half = site({arm(1, kAll, starting)});
  auto& targets = half.arms[0].backends[0].targets;
  targets[0].ready = false;
  targets.push_back({.instance = "ready", .address = "127.0.0.1", .port = ready.port()});
  ASSERT_TRUE(served.traffic.apply(half, decisions.next()));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(body_of(answer_to(served.port(), get("a"))), "ready");
  EXPECT_EQ(starting.connections(), 0U);
  targets[0].ready = true;
  ASSERT_TRUE(served.traffic.apply(half, decisions.next()));
  EXPECT_TRUE(
      eventually([&] { return body_of(answer_to(served.port(), get("a"))) == "starting"; }));
}

TEST(Routing, AsksForAPasswordAndKeepsItFromTheApp) {
  RecordingApp app("in");
  Served served;
  Decisions decisions;
  Site guarded = site({arm(1, kAll, app)});
  guarded.basic_auth = "user:pass";
  ASSERT_TRUE(served.traffic.apply(guarded, decisions.next()));
  const std::string refused = answer_to(served.port(), get("a"));
  EXPECT_EQ(status_of(refused), 401);
  EXPECT_NE(value_of(refused, "WWW-Authenticate"), "");
  const std::string fields = "Authorization: Basic dXNlcjpwYXNz\r\n";
  EXPECT_EQ(body_of(answer_to(served.port(), get("a", "/", fields))), "in");
  for (const char* refused_too : {"Basic dXNlcjpwYXN0", "Basic dXNlcjpwYXN", "Basic", "basic ",
                                  "Bearer dXNlcjpwYXNz", "dXNlcjpwYXNz"}) {
    const std::string other = fmt::format("Authorization: {}\r\n", refused_too);
    EXPECT_EQ(status_of(answer_to(served.port(), get("a", "/", other))), 401) << refused_too;
  }
  const std::string lower = "Authorization: bASIC dXNlcjpwYXNz\r\n";
  EXPECT_EQ(body_of(answer_to(served.port(), get("a", "/", lower))), "in");
  EXPECT_EQ(app.received().find("uthorization"), std::string::npos);
  guarded.allow = {"10.0.0.0/8", "::1"};
  ASSERT_TRUE(served.traffic.apply(guarded, decisions.next()));
  EXPECT_EQ(status_of(answer_to(served.port(), get("a", "/", fields))), 403);
  guarded.allow = {"127.0.0.0/8"};
  ASSERT_TRUE(served.traffic.apply(guarded, decisions.next()));
  EXPECT_EQ(status_of(answer_to(served.port(), get("a", "/", fields))), 200);
}

TEST(Weights, SplitRequestsAndCountThem) {
  RecordingApp old_app("old");
  RecordingApp new_app("new");
  Served served;
  Decisions decisions;
  ASSERT_TRUE(served.traffic.apply(site({arm(6, 800'000, old_app), arm(7, 200'000, new_app)}),
                                   decisions.next()));
  RawClient client(served.port());
  std::map<std::string, int> seen;
  for (int i = 0; i < 1000; ++i) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string answer = client.read_answer();
    EXPECT_EQ(value_of(answer, "X-Ecluse-Release"), body_of(answer) == "new" ? "7" : "6");
    ++seen[body_of(answer)];
  }
  // Binomial with n=1000, p=0.2: five standard deviations are 63.
  EXPECT_NEAR(seen["new"], 200, 63);
  ASSERT_TRUE(eventually([&] { return served.traffic.counters(kKey)->arms[7].in_flight == 0; }));
  const auto counters = *served.traffic.counters(kKey);
  EXPECT_EQ(counters.arms.at(7).requests, static_cast<std::uint64_t>(seen["new"]));
  EXPECT_EQ(counters.arms.at(6).requests, static_cast<std::uint64_t>(seen["old"]));
}

TEST(Weights, StickyCohortsNestAsTheWeightGrows) {
  RecordingApp old_app("old");
  RecordingApp new_app("new");
  Served served;
  Decisions decisions;
  const auto at = [&](std::uint32_t weight) {
    Site sticky = site({arm(6, kAll - weight, old_app), arm(7, weight, new_app)});
    sticky.sticky = true;
    sticky.cohort_salt = "rollout 1";
    ASSERT_TRUE(served.traffic.apply(sticky, decisions.next()));
  };
  at(300'000);
  std::map<std::string, std::string> arm_of_client;
  for (int i = 0; i < 60; ++i) {
    const std::string answer = answer_to(served.port(), get("a"));
    const std::string cookie = value_of(answer, "Set-Cookie");
    ASSERT_TRUE(cookie.starts_with("ecluse_client="));
    arm_of_client[cookie.substr(0, cookie.find(';'))] = body_of(answer);
  }
  const auto body = [&](const std::string& cookie) {
    const std::string answer =
        answer_to(served.port(), get("a", "/", "Cookie: x=y; " + cookie + "\r\n"));
    EXPECT_EQ(value_of(answer, "Set-Cookie"), "");
    return body_of(answer);
  };
  for (const auto& [cookie, first] : arm_of_client) EXPECT_EQ(body(cookie), first);
  at(700'000);
  for (const auto& [cookie, first] : arm_of_client) {
    if (first == "new") {
      EXPECT_EQ(body(cookie), "new");
    }
  }
  at(kAll);
  for (const auto& [cookie, first] : arm_of_client) EXPECT_EQ(body(cookie), "new");
}

TEST(Affinity, AClientStaysOnItsInstanceUntilThatLeaves) {
  RecordingApp first("1");
  RecordingApp second("2");
  Served served;
  Decisions decisions;
  Site two = site({arm(1, kAll, first)});
  two.arms[0].backends[0].affinity = true;
  two.arms[0].backends[0].targets.push_back(
      {.instance = "other", .address = "127.0.0.1", .port = second.port()});
  ASSERT_TRUE(served.traffic.apply(two, decisions.next()));
  const std::string answer = answer_to(served.port(), get("a"));
  const std::string mine = body_of(answer);
  const std::string cookie = value_of(answer, "Set-Cookie");
  const std::string fields = "Cookie: " + cookie.substr(0, cookie.find(';')) + "\r\n";
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(body_of(answer_to(served.port(), get("a", "/", fields))), mine);
  }
  auto& targets = two.arms[0].backends[0].targets;
  targets.erase(targets.begin() + (mine == "1" ? 0 : 1));
  ASSERT_TRUE(served.traffic.apply(two, decisions.next()));
  const std::string moved = answer_to(served.port(), get("a", "/", fields));
  EXPECT_NE(body_of(moved), mine);
  EXPECT_NE(value_of(moved, "Set-Cookie"), "");
}

TEST(Ask, ReachesTheReleaseItNamesWhateverTheWeights) {
  RecordingApp old_app("old");
  RecordingApp new_app("new");
  Served served;
  Decisions decisions;
  Site hidden = site({arm(6, kAll, old_app), arm(7, 0, new_app)});
  hidden.show_release = false;
  hidden.basic_auth = "user:pass";
  ASSERT_TRUE(served.traffic.apply(hidden, decisions.next()));
  const auto answer = served.traffic.ask(kKey, 7, "/health?x");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->release, 7U);
  EXPECT_EQ(answer->status, 200);
  EXPECT_TRUE(new_app.received().starts_with("GET /health?x HTTP/1.1\r\nHost: a\r\n"));
  EXPECT_EQ(new_app.received().find("Override"), std::string::npos);
  EXPECT_EQ(served.traffic.counters(kKey)->arms[7].requests, 0U);
  for (const std::string path : {"", "health", "/a b", "/a\r\nHost: b"}) {
    const auto refused = served.traffic.ask(kKey, 7, path);
    ASSERT_FALSE(refused) << path;
    EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid);
  }
  EXPECT_EQ(served.traffic.ask({"none", "prod"}, 7, "/").error().kind, ErrorKind::kNotFound);
  const auto nobody = served.traffic.ask(kKey, 8, "/");
  ASSERT_TRUE(nobody);
  EXPECT_EQ(nobody->release, 0U);
}

TEST(Hold, RequestsWaitAndThenPass) {
  RecordingApp app("passed");
  Served served;
  Decisions decisions;
  Site held = site({arm(1, kAll, app)});
  held.mode = SiteMode::kHold;
  ASSERT_TRUE(served.traffic.apply(held, decisions.next()));
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<RawClient>(served.port()));
    clients.back()->send(
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
  }
  EXPECT_EQ(app.connections(), 0U);
  held.mode = SiteMode::kServe;
  ASSERT_TRUE(served.traffic.apply(held, decisions.next()));
  for (const auto& client : clients) EXPECT_EQ(body_of(client->read_to_end()), "passed");
}

TEST(Hold, IsBoundedInTimeAndNumber) {
  RecordingApp app("passed");
  Served served({"--bounds", "hold_ms_max=200,hold_requests_max=4"});
  Decisions decisions;
  Site held = site({arm(1, kAll, app)});
  held.mode = SiteMode::kHold;
  ASSERT_TRUE(served.traffic.apply(held, decisions.next()));
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 12; ++i) {
    clients.push_back(std::make_unique<RawClient>(served.port()));
    clients.back()->send(get("a"));
  }
  for (const auto& client : clients) EXPECT_EQ(status_of(client->read_to_end()), 503);
}

TEST(Hold, IsBoundedInBytesThatAreGivenBack) {
  RecordingApp app("passed");
  // Two heads and bodies fit, a third does not.
  Served served({"--workers", "1", "--bounds", "hold_bytes_max=20000"});
  Decisions decisions;
  Site held = site({arm(1, kAll, app)});
  const std::string large =
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 8000\r\n\r\n" +
      std::string(8000, 'x');
  for (int times = 1; times <= 2; ++times) {
    held.mode = SiteMode::kHold;
    ASSERT_TRUE(served.traffic.apply(held, decisions.next()));
    RawClient first(served.port());
    RawClient second(served.port());
    RawClient third(served.port());
    std::vector<RawClient*> clients{&first, &second, &third};
    for (RawClient* const client : clients) client->send(large);
    const auto refused = [&] {
      const auto batch = MeasurementsClient(served.folder.path() / "gateway.sock").read({});
      return batch ? batch->bound_hits.at("hold_bytes_max") : 0;
    };
    EXPECT_TRUE(eventually([&] { return refused() == static_cast<std::uint64_t>(times); }));
    held.mode = SiteMode::kServe;
    ASSERT_TRUE(served.traffic.apply(held, decisions.next()));
    std::multiset<int> statuses;
    for (RawClient* const client : clients) statuses.insert(status_of(client->read_to_end()));
    EXPECT_EQ(statuses, (std::multiset<int>{200, 200, 503}));
  }
}

namespace {
const std::string kUpgrade =
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

void echo_websocket(RecordingApp::Peer& peer) {
  if (peer.read_request().empty()) return;
  peer.send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  for (std::string bytes = peer.read_some(); !bytes.empty(); bytes = peer.read_some()) {
    peer.send(bytes);
  }
}
}  // namespace

TEST(Drain, ClosesWebSocketsWith1012AfterTheirBudget) {
  RecordingApp app(echo_websocket);
  Served served;
  Decisions decisions;
  ASSERT_TRUE(served.traffic.apply(site({arm(1, kAll, app)}), decisions.next()));
  RawClient client(served.port());
  client.send(kUpgrade);
  client.read_until("\r\n\r\n");
  client.send("\x82\x02hi");
  client.read_until("\x82\x02hi");
  EXPECT_EQ(served.traffic.counters(kKey)->arms[1].websockets, 1U);
  ASSERT_TRUE(served.traffic.drain(kKey, 1, Duration(50)));
  const std::string all = client.read_to_end();
  EXPECT_TRUE(all.ends_with(std::string("hi\x88\x02\x03\xf4", 6))) << all;
  EXPECT_TRUE(eventually([&] { return served.traffic.counters(kKey)->arms[1].in_flight == 0; }));
  EXPECT_EQ(served.traffic.counters(kKey)->arms[1].websockets, 0U);
}

TEST(Drain, LetsRequestsInFlightFinish) {
  std::atomic<bool> may_answer{false};
  std::atomic<bool> asked{false};
  RecordingApp old_app([&](RecordingApp::Peer& peer) {
    if (peer.read_request().empty()) return;
    asked = true;
    (void)eventually([&] { return may_answer.load(); });
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold");
  });
  RecordingApp new_app("new");
  Served served;
  Decisions decisions;
  ASSERT_TRUE(served.traffic.apply(site({arm(1, kAll, old_app)}), decisions.next()));
  RawClient client(served.port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return asked.load(); }));
  ASSERT_TRUE(served.traffic.apply(site({arm(2, kAll, new_app)}), decisions.next()));
  ASSERT_TRUE(served.traffic.drain(kKey, 1, Duration(0)));
  EXPECT_EQ(served.traffic.counters(kKey)->arms[1].in_flight, 1U);
  may_answer = true;
  EXPECT_EQ(body_of(client.read_answer()), "old");
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(body_of(client.read_answer()), "new");
  EXPECT_TRUE(eventually([&] { return served.traffic.counters(kKey)->arms[1].in_flight == 0; }));
}

TEST(Counters, AClientThatResetIsNoLongerInFlightAndNoFailure) {
  std::atomic<bool> may_end{false};
  RecordingApp app([&](RecordingApp::Peer& peer) {
    (void)peer.read_request();
    (void)eventually([&] { return may_end.load(); });
  });
  Served served;
  Decisions decisions;
  ASSERT_TRUE(served.traffic.apply(site({arm(1, kAll, app)}), decisions.next()));
  RawClient client(served.port());
  client.send(get("a"));
  const auto counted = [&] { return served.traffic.counters(kKey)->arms[1]; };
  ASSERT_TRUE(eventually([&] { return counted().in_flight == 1; }));
  client.reset();
  EXPECT_TRUE(eventually([&] { return counted().in_flight == 0; }));
  EXPECT_EQ(counted().failures, 0U);
  may_end = true;
}

TEST(Counters, ARetryHidesNothing) {
  RecordingApp broken([](RecordingApp::Peer& peer) {
    (void)peer.read_request();
    peer.reset();
  });
  RecordingApp sound("sound");
  Served served;
  Decisions decisions;
  Site two = site({arm(1, kAll, broken)});
  two.arms[0].backends[0].targets.push_back(
      {.instance = "sound", .address = "127.0.0.1", .port = sound.port()});
  ASSERT_TRUE(served.traffic.apply(two, decisions.next()));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(body_of(answer_to(served.port(), get("a"))), "sound");
  const auto counted = served.traffic.counters(kKey)->arms[1];
  EXPECT_GE(counted.failures, 5U);
  EXPECT_EQ(counted.requests, 20U + counted.failures);
}

namespace {
/// Clients that count every request: sent, answered by which release, lost.
class Load {
 public:
  Load(std::uint16_t port, int clients) {
    for (int i = 0; i < clients; ++i) {
      threads_.emplace_back([this, port, i] { i % 2 == 0 ? keep_alive(port) : fresh(port); });
    }
  }
  void stop() {
    ends_ = true;
    for (auto& thread : threads_) thread.join();
  }
  std::atomic<int> answered{0};
  std::atomic<int> lost{0};
  std::atomic<int> cut{0};  ///< the connection ended with a request in flight

 private:
  void fresh(std::uint16_t port) {
    while (!ends_) note(status_of(answer_to(port, get("a"))));
  }
  void keep_alive(std::uint16_t port) {
    while (!ends_) {
      RawClient client(port);
      while (!ends_) {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        const std::string answer = client.read_answer();
        note(status_of(answer));
        if (answer.empty()) break;
      }
    }
  }
  void note(int status) {
    if (status == 200) ++answered;
    if (status == 0) ++cut;
    if (status != 200 && status != 0) ++lost;
  }
  std::atomic<bool> ends_{false};
  std::vector<std::thread> threads_;
};
}  // namespace

TEST(Swap, UnderLoadLosesNothingAndNoOldReleaseAnswersAfterIt) {
  RecordingApp one("1");
  RecordingApp two("2");
  Served served;
  Decisions decisions;
  ASSERT_TRUE(served.traffic.apply(site({arm(1, kAll, one)}), decisions.next()));
  Load load(served.port(), 4);
  for (int i = 0; i < 20; ++i) {
    const bool to_two = i % 2 == 0;
    const model::ReleaseNumber release = to_two ? 2 : 1;
    ASSERT_TRUE(served.traffic.apply(
        site({arm(1, to_two ? 0 : kAll, one), arm(2, to_two ? kAll : 0, two)}), decisions.next()));
    EXPECT_EQ(value_of(answer_to(served.port(), get("a")), "X-Ecluse-Release"),
              std::to_string(release));
    const auto left = [&] { return served.traffic.counters(kKey)->arms[to_two ? 1 : 2]; };
    ASSERT_TRUE(eventually([&] { return left().in_flight == 0; }));
    const auto before = left().requests;
    const int answered = load.answered;
    ASSERT_TRUE(eventually([&] { return load.answered > answered + 20; }));
    EXPECT_EQ(left().requests, before);
  }
  load.stop();
  EXPECT_GT(load.answered, 400);
  EXPECT_EQ(load.lost, 0);
  EXPECT_EQ(load.cut, 0);
}

TEST(WorkerDeath, LosesOnlyWhatWasInFlightAndKeepsLatchesAndCounters) {
  RecordingApp one("1");
  RecordingApp two("2");
  Served served;
  Decisions decisions;
  ASSERT_TRUE(
      served.traffic.apply(site({arm(1, 500'000, one), arm(2, 500'000, two)}), decisions.next()));
  ASSERT_TRUE(served.traffic.abort(site({arm(1, kAll, one), arm(2, 0, two)}), 2, decisions.next()));
  constexpr int kClients = 4;
  constexpr int kKills = 5;
  Load load(served.port(), kClients);
  for (int i = 0; i < kKills; ++i) {
    const int answered = load.answered;
    ASSERT_TRUE(eventually([&] { return load.answered > answered + 20; }));
    served.gateway->kill_worker();
  }
  const int answered = load.answered;
  ASSERT_TRUE(eventually([&] { return load.answered > answered + 20; }));
  load.stop();
  EXPECT_EQ(load.lost, 0);
  EXPECT_LE(load.cut, kClients * kKills);
  EXPECT_EQ(served.traffic.latched("lettings/prod@1").value(),
            std::vector<model::ReleaseNumber>{2});
  EXPECT_FALSE(
      served.traffic.apply(site({arm(1, 500'000, one), arm(2, 500'000, two)}), decisions.next()));
  EXPECT_EQ(two.received(), "");
  EXPECT_GE(served.traffic.counters(kKey)->arms[1].requests,
            static_cast<std::uint64_t>(load.answered));
  EXPECT_TRUE(eventually([&] { return served.traffic.counters(kKey)->arms[1].in_flight == 0; }));
}

TEST(State, IsAppliedBeforeTheFirstAcceptAfterAKeeperDeath) {
  RecordingApp one("1");
  RecordingApp two("2");
  Served served;
  Decisions decisions;
  ASSERT_TRUE(served.traffic.apply(site({arm(1, kAll, one), arm(2, 0, two)}), decisions.next()));
  ASSERT_TRUE(served.traffic.abort(site({arm(1, kAll, one), arm(2, 0, two)}), 2, decisions.next()));
  ASSERT_TRUE(served.traffic.apply(site({arm(1, kAll, one), arm(2, 0, two)}), decisions.next()));
  served.gateway->kill_keeper();
  served.restart();
  EXPECT_EQ(body_of(answer_to(served.port(), get("a"))), "1");
  EXPECT_EQ(served.traffic.latched("lettings/prod@1").value(),
            std::vector<model::ReleaseNumber>{2});
  EXPECT_FALSE(
      served.traffic.apply(site({arm(2, kAll, two)}), {.term = 1, .rollout = "x", .sequence = 1}));
}

TEST(State, ADamagedFileIsSetAsideAndTheOneBeforeServes) {
  RecordingApp one("1");
  RecordingApp two("2");
  Served served;
  Decisions decisions;
  ASSERT_TRUE(served.traffic.apply(site({arm(1, kAll, one)}), decisions.next()));
  ASSERT_TRUE(served.traffic.apply(site({arm(2, kAll, two)}), decisions.next()));
  served.gateway->terminate();
  const auto file = served.folder.path() / "gateway" / "state";
  std::ofstream(file, std::ios::app) << "damage";
  served.gateway = std::make_unique<GatewayProcess>(arguments_of(served.folder.path()));
  EXPECT_EQ(body_of(answer_to(served.port(), get("a"))), "1");
  EXPECT_TRUE(std::filesystem::exists(file.string() + ".damaged"));
}

TEST(State, AGatewayThatCannotReadItDoesNotStart) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() / "gateway");
  std::ofstream(folder.path() / "gateway" / "state") << "ecluse-gateway-state 1 nonsense\n{}\n";
  GatewayProcess gateway(arguments_of(folder.path()));
  EXPECT_EQ(gateway.port(), 0);
  EXPECT_EQ(gateway.await_exit(), 1);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "gateway" / "state"));
}

TEST(Client, SaysUnavailableWhenNobodyListens) {
  const TemporaryFolder folder;
  TrafficClient client(folder.path() / "gateway.sock", Duration(50));
  const auto sites = client.sites();
  ASSERT_FALSE(sites);
  EXPECT_EQ(sites.error().kind, ErrorKind::kUnavailable);
}

}  // namespace ecluse::gateway::testing
