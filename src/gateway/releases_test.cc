// How traffic is spread over releases and their instances, against the running program.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/measurements_client.h"
#include "gateway/override_token.h"
#include "gateway/testing_sites.h"

namespace ecluse::gateway::testing {

namespace {
using ports::Site;
using ports::SiteMode;

/// Has `path` and nothing else.
RecordingApp::Serve only(const std::string& path, const std::string& body) {
  return [=](RecordingApp::Peer& peer) {
    for (std::string request = peer.read_request(); !request.empty();
         request = peer.read_request()) {
      const bool has_it = request.find(" " + path + " ") != std::string::npos;
      if (!peer.send(has_it ? fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}",
                                          body.size(), body)
                            : "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone")) {
        return;
      }
    }
  };
}
/// Takes requests and never answers one.
void close_at_once(RecordingApp::Peer& peer) {
  peer.read_request();
}

/// The gateway with a single thread, so that counts are exact.
std::vector<std::string> one_thread(std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"--workers", "1"});
  return more;
}

struct Two {
  explicit Two(std::vector<std::string> more = {}) : served(std::move(more)) {}
  void apply(const Site& wanted) { ASSERT_TRUE(served.traffic.apply(wanted, decisions.next())); }
  std::string ask(const std::string& path = "/", const std::string& fields = "") {
    return answer_to(served.port(), get("a", path, fields));
  }
  Served served;
  Decisions decisions;
};

ports::Target target(const std::string& instance, const RecordingApp& app) {
  return {.instance = instance, .address = "127.0.0.1", .port = app.port()};
}
}  // namespace

TEST(AssetFallback, AHashedAssetComesFromTheReleaseThatHasIt) {
  RecordingApp old_app(only("/app-0a1b2c3d.js", "old"));
  RecordingApp new_app(only("/app-9f8e7d6c.js", "new"));
  Two two;
  two.apply(site({arm(6, kAll, old_app), arm(7, 0, new_app)}));
  const std::string fetched = two.ask("/app-9f8e7d6c.js");
  EXPECT_EQ(status_of(fetched), 200);
  EXPECT_EQ(body_of(fetched), "new");
  EXPECT_EQ(value_of(fetched, "X-Ecluse-Release"), "7");
  EXPECT_EQ(body_of(two.ask("/app-0a1b2c3d.js")), "old");
  EXPECT_EQ(status_of(two.ask("/app-11111111a.js")), 404);  // nobody has it
}

TEST(AssetFallback, APageThatIsNotThereIsNotThere) {
  RecordingApp old_app(only("/", "old"));
  RecordingApp new_app(only("/new-page", "new"));
  Two two;
  two.apply(site({arm(6, kAll, old_app), arm(7, 0, new_app)}));
  EXPECT_EQ(status_of(two.ask("/new-page")), 404);
  EXPECT_EQ(new_app.received(), "");
}

TEST(AssetFallback, IsNoFailureOfAnybody) {
  RecordingApp old_app(only("/", "old"));
  RecordingApp new_app(only("/app-9f8e7d6c.js", "new"));
  Two two;
  two.apply(site({arm(6, kAll, old_app), arm(7, 0, new_app)}));
  RawClient client(two.served.port());
  for (int i = 0; i < 5; ++i) {
    client.send("GET /app-9f8e7d6c.js HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(body_of(client.read_answer()), "new");
  }
  const auto counters = two.served.traffic.counters(kKey);
  ASSERT_TRUE(counters);
  for (const auto& [release, counted] : counters->arms) EXPECT_EQ(counted.failures, 0U);
}

TEST(Cookies, AreNeverSetOnWhatASharedCacheMayKeep) {
  std::string cache_control;
  RecordingApp app([&](RecordingApp::Peer& peer) {
    while (!peer.read_request().empty() &&
           peer.send("HTTP/1.1 200 OK\r\n" + cache_control + "Content-Length: 0\r\n\r\n")) {
    }
  });
  Two two;
  Site sticky = site({arm(6, kAll, app)});
  sticky.sticky = true;
  two.apply(sticky);
  for (const char* const may_keep :
       {"Cache-Control: public\r\n", "Cache-Control: max-age=60\r\n", "Cache-Control: no-cache\r\n",
        "Cache-Control: Public, max-age=60\r\n", "Cache-Control: s-maxage=60\r\n",
        "Cache-Control: must-revalidate\r\n", "Expires: Thu, 01 Jan 2099 00:00:00 GMT\r\n",
        "Cache-Control: private=\"x\"\r\n", "CDN-Cache-Control: max-age=60\r\n",
        "Cache-Control: private\r\nSurrogate-Control: max-age=60\r\n"}) {
    cache_control = may_keep;
    const std::string answer = two.ask();
    EXPECT_EQ(status_of(answer), 200);
    EXPECT_EQ(value_of(answer, "Set-Cookie"), "") << may_keep;
  }
  for (const char* const may_not : {"Cache-Control: private\r\n", "Cache-Control: no-store\r\n",
                                    "Cache-Control: max-age=0\r\nCache-Control: Private\r\n"}) {
    cache_control = may_not;
    EXPECT_TRUE(value_of(two.ask(), "Set-Cookie").starts_with("ecluse_client=")) << may_not;
  }
  cache_control = "";
  const std::string unsaid = two.ask();
  EXPECT_TRUE(value_of(unsaid, "Set-Cookie").starts_with("ecluse_client="));
  EXPECT_EQ(value_of(unsaid, "Cache-Control"), "private");
}

TEST(Cookies, HoldAnIdAndNeverTheArm) {
  RecordingApp old_app("old");
  RecordingApp new_app("new");
  Two two;
  Site sticky = site({arm(6, kAll / 2, old_app), arm(7, kAll / 2, new_app)});
  sticky.sticky = true;
  sticky.cohort_salt = "one";
  two.apply(sticky);
  std::map<std::string, std::string> first;
  for (int i = 0; i < 40; ++i) {
    const std::string answer = two.ask();
    const std::string cookie = value_of(answer, "Set-Cookie");
    first[cookie.substr(0, cookie.find(';'))] = body_of(answer);
  }
  sticky.cohort_salt = "another rollout";
  two.apply(sticky);
  int moved = 0;
  for (const auto& [cookie, body] : first) {
    if (body_of(two.ask("/", "Cookie: " + cookie + "\r\n")) != body) ++moved;
  }
  // The same people are not always first: of 40 about half change; never is 1 in 10^12.
  EXPECT_GT(moved, 0);
  EXPECT_LT(moved, 40);
}

TEST(Testers, ASignedCookieChoosesTheReleaseAndOpensNoDoor) {
  RecordingApp old_app("old");
  RecordingApp new_app("new");
  Two two;
  Site guarded = site({arm(6, kAll, old_app), arm(7, 0, new_app)});
  two.apply(guarded);
  const auto key = load_or_make_override_key(two.served.folder.path() / "gateway" / "override.key");
  ASSERT_TRUE(key);
  const auto token_until = [&](std::int64_t expires_s) {
    return sign_override(*key, OverrideUse::kCookie, "lettings/prod", 7, expires_s);
  };
  const std::string token = token_until(std::time(nullptr) + 60);
  const std::string cookie = "Cookie: x=y; ecluse_override=" + token + "\r\n";
  EXPECT_EQ(body_of(two.ask("/", cookie)), "new");
  EXPECT_EQ(body_of(two.ask("/", "Cookie: ecluse_override=7.99999999999.00\r\n")), "old");
  const std::string expired = token_until(std::time(nullptr) - 1);
  EXPECT_EQ(body_of(two.ask("/", "Cookie: ecluse_override=" + expired + "\r\n")), "old");
  guarded.basic_auth = "user:pass";
  two.apply(guarded);
  EXPECT_EQ(status_of(two.ask("/", cookie)), 401);
  EXPECT_EQ(status_of(two.ask("/", "X-Ecluse-Override: " + token + "\r\n")), 401);
}

TEST(Held, HealthAnswersStayGreen) {
  RecordingApp app("app");
  Two two;
  Site held = site({arm(6, kAll, app)});
  held.mode = SiteMode::kHold;
  held.health_paths = {"/health"};
  two.apply(held);
  EXPECT_EQ(status_of(two.ask("/health?from=balancer")), 200);
  EXPECT_EQ(app.received(), "");
}

TEST(Held, AClientThatHasSaidAllItWillSayStillWaits) {
  RecordingApp app("passed");
  Two two;
  Site held = site({arm(6, kAll, app)});
  held.mode = SiteMode::kHold;
  two.apply(held);
  RawClient half_closed(two.served.port());
  half_closed.send(get("a"));
  half_closed.end_sending();
  RawClient after(two.served.port());  // its answer says that the first was looked at
  after.send("GET / HTTP/1.1\r\nHost: unknown\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_of(after.read_to_end()), 404);
  held.mode = SiteMode::kServe;
  two.apply(held);
  EXPECT_EQ(body_of(half_closed.read_to_end()), "passed");
}

TEST(OwnPages, AreServedInPlaceOfOurs) {
  RecordingApp app(close_at_once);
  Two two;
  Site own = site({arm(6, kAll, app)});
  own.pages = {{"502", "<p>broken</p>"}, {"503", "<p>none</p>"}, {"maintenance", "<p>works</p>"}};
  two.apply(own);
  const std::string broken = two.ask();
  EXPECT_EQ(status_of(broken), 502);
  EXPECT_EQ(body_of(broken), "<p>broken</p>");
  own.arms[0].backends[0].targets[0].ready = false;
  two.apply(own);
  const std::string red = two.ask();
  EXPECT_EQ(status_of(red), 503);
  EXPECT_EQ(body_of(red), "<p>none</p>");
  EXPECT_NE(value_of(red, "Retry-After"), "");
  own.mode = SiteMode::kMaintenance;
  two.apply(own);
  EXPECT_EQ(body_of(two.ask()), "<p>works</p>");
}

TEST(OwnPages, ThatCannotBeServedAreRefused) {
  RecordingApp app;
  Two two;
  Site unknown = site({arm(6, kAll, app)});
  unknown.pages = {{"418", "x"}};
  EXPECT_EQ(two.served.traffic.apply(unknown, two.decisions.next()).error().kind,
            ErrorKind::kInvalid);
  Site large = site({arm(6, kAll, app)});
  large.pages = {{"503", std::string(20'000, 'x')}};
  EXPECT_EQ(two.served.traffic.apply(large, two.decisions.next()).error().kind,
            ErrorKind::kInvalid);
}

TEST(OwnPages, AreForWhoeverReadsHtml) {
  RecordingApp app(close_at_once);
  Two two;
  Site own = site({arm(6, kAll, app)});
  own.pages = {{"502", "<p>broken</p>"}};
  two.apply(own);
  const auto page_for = [&](const std::string& accept) {
    return body_of(two.ask("/", "Accept: " + accept + "\r\n"));
  };
  EXPECT_EQ(page_for("text/html,application/xml;q=0.9,*/*;q=0.8"), "<p>broken</p>");
  EXPECT_EQ(page_for("*/*"), "<p>broken</p>");
  EXPECT_NE(page_for("application/json"), "<p>broken</p>");
  EXPECT_NE(page_for("application/json, text/plain"), "<p>broken</p>");
}

/// Answers with 500 and this type.
RecordingApp::Serve fails_as(std::string type) {
  return [type = std::move(type)](RecordingApp::Peer& peer) {
    while (!peer.read_request().empty()) {
      peer.send(
          fmt::format("HTTP/1.1 500 Oops\r\nContent-Type: {}\r\nSet-Cookie: trace=1\r\n"
                      "Content-Length: 9\r\n\r\nTraceback",
                      type));
    }
  };
}

TEST(OwnPages, TakeThePlaceOfARawFailureForBrowsersOnly) {
  RecordingApp app(fails_as("text/html; charset=utf-8"));
  RecordingApp api(fails_as("application/json"));
  Two two;
  Site own = site({arm(6, kAll, app)});
  own.pages = {{"500", "<p>sorry</p>"}};
  two.apply(own);
  const std::string html = "Accept: text/html,*/*;q=0.8\r\n";
  const std::string hidden = two.ask("/", html);
  EXPECT_EQ(status_of(hidden), 500);
  EXPECT_EQ(body_of(hidden), "<p>sorry</p>");
  EXPECT_EQ(hidden.find("Traceback"), std::string::npos);
  EXPECT_EQ(value_of(hidden, "X-Ecluse-Release"), "6");
  EXPECT_EQ(body_of(two.ask("/", "Accept: */*\r\n")), "Traceback");
  EXPECT_EQ(body_of(two.ask("/")), "Traceback");
  EXPECT_EQ(two.served.traffic.counters(kKey)->arms.at(6).errors_5xx,
            3U);  // as if nothing was hidden
  EXPECT_EQ(two.served.traffic.counters(kKey)->arms.at(6).failures, 0U);
  Site json = site({arm(7, kAll, api)});
  json.pages = own.pages;
  two.apply(json);
  EXPECT_EQ(body_of(two.ask("/", html)), "Traceback");
}

TEST(OwnPages, ComeFromFilesOfTheReleaseAndNeverFromOutside) {
  const TemporaryFolder release;
  const TemporaryFolder layer;
  const auto write = [](const std::filesystem::path& file, const std::string& text) {
    std::ofstream(file) << text;
  };
  write(release.path() / "502.html", "<p>built</p>");
  write(layer.path() / "502.html", "<p>collected</p>");
  write(release.path() / "large.html", std::string(20'000, 'x'));
  std::filesystem::create_symlink("/etc/passwd", release.path() / "link.html");
  RecordingApp app(close_at_once);
  Two two;
  Site own = site({arm(6, kAll, app)});
  const auto page = [&](const std::string& file) {
    return ports::PageFile{.roots = {layer.path().string(), release.path().string()}, .file = file};
  };
  own.page_files = {{"502", page("502.html")}};
  two.apply(own);
  EXPECT_EQ(body_of(two.ask()), "<p>collected</p>");
  for (const std::string bad : {"missing.html", "large.html", "link.html", "../x.html"}) {
    own.page_files = {{"502", page(bad)}};
    const auto refused = two.served.traffic.apply(own, two.decisions.next());
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid) << bad;
  }
  EXPECT_EQ(body_of(two.ask()), "<p>collected</p>");
  // A rollback does not wait for a page.
  ASSERT_TRUE(two.served.traffic.abort(own, 7, two.decisions.next("lettings/prod@2")));
  EXPECT_EQ(status_of(two.ask()), 502);
  EXPECT_NE(body_of(two.ask()), "");
}

namespace {
constexpr const char* kAsksForWebsocket =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Consents to every upgrade that it hears of.
void consent(RecordingApp::Peer& peer) {
  const bool hears_upgrade =
      peer.read_request().find("Upgrade: websocket\r\n") != std::string::npos;
  peer.send(
      hears_upgrade
          ? "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
          : "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n");
}

std::uint64_t hits_of(const Served& served, const std::string& name) {
  const auto batch = MeasurementsClient(served.folder.path() / "gateway.sock").read({});
  return batch ? batch->bound_hits.at(name) : 0;
}
}  // namespace

TEST(Websockets, AreOpenedOnlyWhereTheRouteAllowsIt) {
  RecordingApp app(consent);
  Two two;
  Site wanted = site({arm(6, kAll, app)});
  two.apply(wanted);
  EXPECT_EQ(status_of(two.ask("/anywhere", kAsksForWebsocket)), 101);
  wanted.arms[0].backends[0].websockets = {"/ws"};
  two.apply(wanted);
  EXPECT_EQ(status_of(two.ask("/ws/chat", kAsksForWebsocket)), 101);
  EXPECT_EQ(hits_of(two.served, "websockets"), 0U);
  app.forget();
  EXPECT_EQ(status_of(two.ask("/anywhere", kAsksForWebsocket)), 426);
  EXPECT_EQ(app.received().find("pgrade"), std::string::npos) << app.received();
  EXPECT_EQ(hits_of(two.served, "websockets"), 1U);
  wanted.arms[0].backends[0].websockets = {};
  two.apply(wanted);
  EXPECT_EQ(status_of(two.ask("/ws/chat", kAsksForWebsocket)), 426);
  EXPECT_EQ(hits_of(two.served, "websockets"), 2U);
}

/// An app that switches all the same is at fault, as any that was not asked.
TEST(Websockets, AnAppThatSwitchesWhereTheRouteDoesNotAllowItOpensNone) {
  RecordingApp app([](RecordingApp::Peer& peer) {
    if (peer.read_request().empty()) return;
    peer.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    (void)peer.read_some();
  });
  Two two;
  Site wanted = site({arm(6, kAll, app)});
  wanted.arms[0].backends[0].websockets = {"/ws"};
  two.apply(wanted);
  EXPECT_EQ(status_of(two.ask("/other", kAsksForWebsocket)), 502);
}

TEST(Retries, EndWithTheirBudget) {
  RecordingApp app(close_at_once);
  Two two(one_thread({"--bounds", "retry_burst_max=5,retry_percent_max=0"}));
  two.apply(site({arm(6, kAll, app)}));
  for (int i = 0; i < 12; ++i) EXPECT_EQ(status_of(two.ask()), 502);
  EXPECT_EQ(app.connections(), 12U + 5U);
  EXPECT_EQ(two.served.traffic.counters(kKey)->arms.at(6).failures, 12U + 5U);
}

TEST(Retries, AreEarnedByRequestsAndNotByRetries) {
  RecordingApp app(close_at_once);
  Two two(one_thread({"--bounds", "retry_burst_max=1,retry_percent_max=25"}));
  two.apply(site({arm(6, kAll, app)}));
  for (int i = 0; i < 41; ++i) EXPECT_EQ(status_of(two.ask()), 502);
  // The one that was saved up, and then each fourth.
  EXPECT_EQ(app.connections(), 41U + 1U + 10U);
}

TEST(Ejection, AnInstanceThatFailsInARowIsLeftAlone) {
  RecordingApp good("good");
  RecordingApp bad(close_at_once);
  Two two(one_thread(
      {"--bounds", "retry_burst_max=0,eject_failures=3,eject_ms=600000,slow_start_ms=0"}));
  Site pair = site({arm(6, kAll, good)});
  pair.arms[0].backends[0].targets.push_back(target("bad", bad));
  two.apply(pair);
  int failed = 0;
  for (int i = 0; i < 30; ++i) failed += status_of(two.ask()) == 502 ? 1 : 0;
  EXPECT_EQ(failed, 3);
  EXPECT_EQ(bad.connections(), 3U);
}

TEST(Ejection, StopsWhereTheRestCouldNotCarryTheLoad) {
  RecordingApp good("good");
  RecordingApp bad(close_at_once);
  Two two(one_thread(
      {"--bounds",
       "retry_burst_max=0,eject_failures=3,eject_ms=600000,slow_start_ms=0,panic_percent=40"}));
  Site pair = site({arm(6, kAll, good)});
  pair.arms[0].backends[0].targets.push_back(target("bad", bad));
  two.apply(pair);
  for (int i = 0; i < 30; ++i) (void)two.ask();
  EXPECT_GE(bad.connections(), 12U);  // its share of all, not three
}

TEST(Balance, ARequestGoesToTheInstanceWithTheFewestUnderWay) {
  std::atomic<int> asked{0};
  std::atomic<bool> may_answer{false};
  RecordingApp busy([&](RecordingApp::Peer& peer) {
    while (!peer.read_request().empty()) {
      ++asked;
      (void)eventually([&] { return may_answer.load(); });
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbusy");
    }
  });
  RecordingApp quick("quick");
  Two two(one_thread({"--bounds", "slow_start_ms=0"}));
  Site pair = site({arm(6, kAll, busy)});
  pair.arms[0].backends[0].targets.push_back(target("quick", quick));
  two.apply(pair);
  // Among equals in turns: of four, some are at each.
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<RawClient>(two.served.port()));
    ASSERT_TRUE(clients.back()->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  }
  ASSERT_TRUE(eventually([&] { return asked.load() > 0 && quick.connections() > 0; }));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(body_of(two.ask()), "quick") << i;
  may_answer = true;
  for (const auto& client : clients) EXPECT_EQ(status_of(client->read_answer()), 200);
}

TEST(SlowStart, ANewInstanceBeginsWithLittle) {
  constexpr std::chrono::milliseconds kSlowStart{2000};
  RecordingApp known("known");
  RecordingApp fresh("fresh");
  Two two(one_thread({"--bounds", "slow_start_ms=2000"}));
  Site grown = site({arm(6, kAll, known)});
  two.apply(grown);
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(eventually([&] {
    return body_of(two.ask()) == "known" && std::chrono::steady_clock::now() - began > kSlowStart;
  }));
  grown.arms[0].backends[0].targets.push_back(target("fresh", fresh));
  two.apply(grown);
  RawClient client(two.served.port());
  int of_fresh = 0;
  for (int i = 0; i < 60; ++i) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    if (body_of(client.read_answer()) == "fresh") ++of_fresh;
  }
  EXPECT_LT(of_fresh, 20);  // an even share would be 30
}

}  // namespace ecluse::gateway::testing
