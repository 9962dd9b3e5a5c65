// The judge's evidence, from the running program.
#include "gateway/outcomes_client.h"

#include <gtest/gtest.h>

#include "gateway/testing_sites.h"
#include "ports/outcomes_conformance.h"

namespace ecluse::gateway::testing {

namespace {
using ports::Outcome;
using ports::OutcomeBatch;
using ports::OutcomeCursor;
using ports::OutcomesConformance;
using ports::Site;

/// An app that does what the path of a request says.
class ObedientApp {
 public:
  const RecordingApp& app() const { return app_; }
  bool is_asked_to_wait() const { return app_.received().find("GET /waits ") != std::string::npos; }
  void go_on() {
    waits_.change([](bool& waits) { waits = false; });
  }

 private:
  void serve(RecordingApp::Peer& peer) {
    for (std::string request = peer.read_request(); !request.empty();
         request = peer.read_request()) {
      if (request.starts_with("GET /breaks ")) return;
      if (request.starts_with("GET /waits ")) {
        waits_.when(kPatience, [](bool waits) { return !waits; }, [](bool) {});
      }
      const bool fails = request.starts_with("GET /fails ");
      if (!peer.send(fails ? "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
                           : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) {
        return;
      }
    }
  }
  Locked<bool> waits_{true};
  RecordingApp app_{[this](RecordingApp::Peer& peer) { serve(peer); }};
};

class GatewayWorld final : public ports::OutcomesWorld {
 public:
  ports::Outcomes& outcomes() override { return outcomes_; }
  void stage(const Stage& stage) override {
    Site served = site(
        {arm(6, kAll - stage.weight_ppm, stable_.app()), arm(7, stage.weight_ppm, canary_.app())});
    served.on_trial = stage.on_trial;
    served.sticky = stage.sticky;
    ASSERT_TRUE(served_.traffic.apply(served, decisions_.next()));
  }
  void visit(Deed deed, const std::string& client) override {
    if (deed == Deed::kProbe) {
      ASSERT_TRUE(served_.traffic.ask(kKey, 7, "/well"));
    } else {
      const std::string cookie = client.empty() ? "" : "Cookie: ecluse_client=" + client + "\r\n";
      answer_to(served_.port(), get("a", path_of(deed), cookie));
    }
    await_in_flight(pending_ ? 1 : 0);
  }
  void begin() override {
    pending_ = std::make_unique<RawClient>(served_.port());
    pending_->send(get("a", "/waits"));
    ASSERT_TRUE(
        eventually([&] { return stable_.is_asked_to_wait() || canary_.is_asked_to_wait(); }));
  }
  void finish() override {
    stable_.go_on();
    canary_.go_on();
    EXPECT_EQ(status_of(pending_->read_to_end()), 200);
    pending_.reset();
    await_in_flight(0);
  }
  void leave() override {
    pending_->reset();
    pending_.reset();
    await_in_flight(0);
    stable_.go_on();
    canary_.go_on();
  }

 private:
  static std::string path_of(Deed deed) {
    if (deed == Deed::kFails) return "/fails";
    return deed == Deed::kBreaks ? "/breaks" : "/well";
  }
  /// A request is settled before it stops being in flight.
  void await_in_flight(std::uint64_t wanted) {
    EXPECT_TRUE(eventually([&] {
      const auto counters = served_.traffic.counters(kKey);
      if (!counters) return false;
      std::uint64_t sum = 0;
      for (const auto& [release, counted] : counters->arms) {
        sum += counted.in_flight;
      }
      return sum == wanted;
    }));
  }

  ObedientApp stable_;
  ObedientApp canary_;
  Served served_;
  Decisions decisions_;
  OutcomesClient outcomes_{served_.folder.path() / "gateway.sock", Duration(15'000)};
  std::unique_ptr<RawClient> pending_;
};

/// A gateway with release 7 of `app` alone, on trial.
struct Trial {
  explicit Trial(const RecordingApp& app) {
    Site served_site = site({arm(7, kAll, app)});
    served_site.on_trial = 7;
    EXPECT_TRUE(served.traffic.apply(served_site, decisions.next()));
  }
  std::vector<Outcome> all() {
    const auto batch = outcomes.read(kKey, {}, Duration(0));
    EXPECT_TRUE(batch);
    return batch ? batch->outcomes : std::vector<Outcome>();
  }
  /// The first request once it is settled.
  Outcome first() {
    EXPECT_TRUE(eventually([&] {
      const auto known = all();
      return !known.empty() && known[0].state != Outcome::State::kPending;
    }));
    return all().at(0);
  }
  Served served;
  Decisions decisions;
  OutcomesClient outcomes{served.folder.path() / "gateway.sock", Duration(15'000)};
};
}  // namespace

INSTANTIATE_TEST_SUITE_P(Gateway, OutcomesConformance,
                         ::testing::Values([] { return std::make_unique<GatewayWorld>(); }));

TEST(Outcomes, ARequestThatARetrySavedIsAnErrorAllTheSame) {
  std::atomic<int> requests = 0;
  RecordingApp app([&](RecordingApp::Peer& peer) {
    while (!peer.read_request().empty()) {
      if (requests++ == 0) return;
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
  });
  Trial trial(app);
  EXPECT_EQ(status_of(answer_to(trial.served.port(), get("a"))), 200);
  EXPECT_EQ(trial.first().state, Outcome::State::kError);
  EXPECT_EQ(trial.all().size(), 1U);
}

TEST(Outcomes, ATruncatedAnswerIsAnError) {
  RecordingApp app([](RecordingApp::Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  });
  Trial trial(app);
  answer_to(trial.served.port(), get("a"));
  EXPECT_EQ(trial.first().state, Outcome::State::kError);
}

TEST(Outcomes, ARequestWhoseInstanceDiedWithItIsACrash) {
  std::unique_ptr<RecordingApp> app;
  app = std::make_unique<RecordingApp>([&](RecordingApp::Peer& peer) {
    peer.read_request();
    // The listener goes first, as it does when a process dies; then our connection.
    app->stop_listening();
  });
  Trial trial(*app);
  EXPECT_EQ(status_of(answer_to(trial.served.port(),
                                "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                                "Content-Length: 2\r\n\r\nhi")),
            502);
  EXPECT_EQ(trial.first().state, Outcome::State::kCrashed);
}

TEST(Outcomes, NobodyWaitsForTheEndOfAnEventStreamOrAWebSocket) {
  Locked<bool> ends{false};
  RecordingApp app([&](RecordingApp::Peer& peer) {
    const std::string request = peer.read_request();
    peer.send(request.starts_with("GET /socket ")
                  ? "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                    "Upgrade: websocket\r\n\r\n"
                  : "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"
                    "data: 1\n\n");
    ends.when(kPatience, [](bool said) { return said; }, [](bool) {});
  });
  Trial trial(app);
  RawClient stream(trial.served.port());
  stream.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
  stream.read_until("data: 1");
  EXPECT_EQ(trial.first().state, Outcome::State::kOk);
  RawClient socket(trial.served.port());
  socket.send(
      "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  socket.read_until("\r\n\r\n");
  EXPECT_TRUE(eventually([&] {
    const auto all = trial.all();
    return all.size() == 2 && all[1].state == Outcome::State::kOk;
  }));
  ends.change([](bool& said) { said = true; });
}

TEST(Outcomes, AKilledWorkerLosesNoRecordAndWhatWasPendingHasLeft) {
  ObedientApp app;
  Trial trial(app.app());
  answer_to(trial.served.port(), get("a", "/fails"));
  RawClient pending(trial.served.port());
  pending.send(get("a", "/waits"));
  ASSERT_TRUE(eventually([&] { return app.is_asked_to_wait(); }));
  const auto before = trial.outcomes.read(kKey, {}, Duration(0));
  ASSERT_TRUE(before);
  ASSERT_EQ(before->outcomes.size(), 2U);
  trial.served.gateway->kill_worker();
  app.go_on();
  answer_to(trial.served.port(), get("a", "/well"));
  const auto after = trial.outcomes.read(kKey, before->next, Duration(0));
  ASSERT_TRUE(after);
  EXPECT_EQ(after->next.epoch, before->next.epoch);
  EXPECT_EQ(after->lost, 0U);
  ASSERT_EQ(after->outcomes.size(), 2U);
  EXPECT_EQ(after->outcomes[0].arrival, 2U);
  EXPECT_EQ(after->outcomes[0].state, Outcome::State::kLeft);
  EXPECT_EQ(after->outcomes[1].arrival, 3U);
  EXPECT_EQ(trial.all().at(0).state, Outcome::State::kError);
}

TEST(Outcomes, ARestartedGatewayIsAnotherEpoch) {
  RecordingApp app;
  Trial trial(app);
  answer_to(trial.served.port(), get("a"));
  const auto before = trial.outcomes.read(kKey, {}, Duration(0));
  trial.served.restart();
  answer_to(trial.served.port(), get("a"));
  const auto after = trial.outcomes.read(kKey, before->next, Duration(0));
  ASSERT_TRUE(after);
  EXPECT_NE(after->next.epoch, before->next.epoch);
  ASSERT_EQ(after->outcomes.size(), 1U);
  EXPECT_EQ(after->outcomes[0].arrival, 1U);
}

TEST(Outcomes, AReaderThatWaitsDoesNotDelayTheEndOfTheGateway) {
  RecordingApp app;
  Trial trial(app);
  std::thread waiting([&] { (void)trial.outcomes.read(kKey, {}, ports::kPatienceMax); });
  ASSERT_TRUE(eventually([&] { return trial.outcomes.read(kKey, {}, Duration(0)).has_value(); }));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(trial.served.gateway->terminate(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
  waiting.join();
}

}  // namespace ecluse::gateway::testing
