// The API over a real Unix socket, with the twin behind it.

#include "api/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "api/client.h"
#include "api/fake_operations.h"
#include "api/routes.h"
#include "base/text.h"
#include "os/file.h"

namespace ecluse::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const model::EnvironmentKey kProd{"lettings", "prod"};
const control::Act kAct{kProd, "", "because"};

std::string me() {
  return getuid() == 0 ? "root (uid 0)" : "";
}

class ApiTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/ecl-api-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    restart({});
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }
  void restart(ServerOptions options) {
    server_.reset();
    options.socket = socket();
    auto server = Server::start(fake_, std::move(options));
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  std::filesystem::path socket() const { return folder_ / "ecluse.sock"; }
  Client client() const { return Client({.socket = socket()}); }
  std::vector<std::string> calls() {
    return fake_.state.with([](auto& s) { return s.calls; });
  }

  /// What the server answers to these bytes, until it closes or `until` was seen.
  std::string raw(const std::string& bytes, const std::string& until = "no such text") {
    const os::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket().c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    (void)os::write_all(fd.get(), bytes);  // the server may close before it read everything
    std::string answer;
    std::array<char, 4096> buffer{};
    while (answer.find(until) == std::string::npos) {
      const ssize_t got = read(fd.get(), buffer.data(), buffer.size());
      if (got <= 0) break;
      answer.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return answer;
  }
  std::string post(const std::string& path, const std::string& body) {
    return raw("POST " + path + " HTTP/1.1\r\nHost: e\r\nConnection: close\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body);
  }

  std::filesystem::path folder_;
  FakeOperations fake_;
  std::unique_ptr<Server> server_;
};

control::RolloutView full_rollout() {
  control::RolloutView view;
  view.id = "lettings/prod@12";
  view.environment = kProd;
  view.kind = "deploy";
  view.release = 7;
  view.from_release = 6;
  view.commit = std::string(40, 'a');
  view.actor = "alice";
  view.phase = "aborted";
  view.stages = {{"build", control::StageState::kDone, Duration(1500), "reused"},
                 {"starting", control::StageState::kFailed, std::nullopt, "0 of 2 ready"}};
  view.outcome = control::Outcome::kAborted;
  view.reason = "instance 1 was never ready";
  view.started_at = WallTime{1'700'000'000'123};
  view.ended_at = WallTime{1'700'000'009'000};
  view.evidence = control::FailureEvidence{
      "lettings-prod-7-web-1",
      {{"ready GET /", false, 400, "DisallowedHost", WallTime{1'700'000'001'000}}},
      137,
      {"line \xff with a bad byte", "second"},
      {{"127.0.0.1", 9000}},
      "it listens on port 9000, ecluse expected 8000",
      "set `port: 9000`"};
  return view;
}

TEST_F(ApiTest, AnswersWhatNobodyForesawAndGoesOn) {
  fake_.state.with([](auto& s) { s.deploy_throws = true; });
  const auto refused = client().deploy({.repository = "/r", .ref = "HEAD", .environment = "prod"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kInternal);
  EXPECT_TRUE(client().status(""));
}

TEST_F(ApiTest, CarriesARolloutWithAllItsEvidence) {
  fake_.state.with([](auto& s) { s.rollouts["lettings/prod@12"] = {full_rollout()}; });
  auto view = client().rollout("lettings/prod@12");
  ASSERT_TRUE(view) << view.error().message;
  const auto sent = full_rollout();
  EXPECT_EQ(view->environment, kProd);
  EXPECT_EQ(view->outcome, control::Outcome::kAborted);
  EXPECT_EQ(view->started_at, sent.started_at);
  EXPECT_EQ(view->ended_at, sent.ended_at);
  ASSERT_EQ(view->stages.size(), 2u);
  EXPECT_EQ(view->stages[0].took, Duration(1500));
  EXPECT_EQ(view->stages[1].took, std::nullopt);
  ASSERT_TRUE(view->evidence);
  EXPECT_EQ(view->evidence->exit_code, 137);
  EXPECT_EQ(view->evidence->probes.at(0).status, 400);
  EXPECT_EQ(view->evidence->listeners.at(0).port, 9000);
  EXPECT_THAT(view->evidence->last_lines,
              ElementsAre("line \xEF\xBF\xBD with a bad byte", "second"));
}

TEST_F(ApiTest, GivesMetricsInTheFormThatIsAskedFor) {
  fake_.state.with([](auto& s) { s.metrics = "# EOF\n"; });
  const auto open = client().metrics(metrics::Form::kOpenMetrics);
  ASSERT_TRUE(open) << open.error().message;
  EXPECT_EQ(*open, "# EOF\n");
  const auto answer = raw("GET /metrics HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(answer, testing::EndsWith("\r\n\r\n# EOF\n"));
  EXPECT_THAT(calls(), ElementsAre("metrics as OpenMetrics", "metrics"));
}

TEST_F(ApiTest, CarriesAnEnvironmentWithItsInstancesServicesAndCounters) {
  control::EnvironmentView sent;
  sent.key = kProd;
  sent.stable = 7;
  sent.warm = {6, 5};
  sent.port = 8500;
  sent.instances.resize(1);
  sent.instances[0].status.id = "lettings-prod-7-web-1";
  sent.instances[0].status.state = ports::InstanceState::kCrashLooping;
  sent.instances[0].usage = ports::Usage{1 << 20, 1 << 29, 0.25, 4};
  sent.services = {{"db", model::ServiceKind::kPostgres, "15", false, true, "ok", 100}};
  sent.counters = ports::SiteCounters{{{7, {.requests = 10, .errors_5xx = 1}}}};
  sent.latencies[7] = {.over = Duration(300'000), .answers = 9, .p50_ms = 12.5, .p95_ms = 80};
  fake_.state.with([&](auto& s) { s.environments["lettings/prod"] = sent; });

  auto view = client().environment(kProd);
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->warm, sent.warm);
  EXPECT_EQ(view->port, sent.port);
  EXPECT_EQ(view->instances.at(0).status, sent.instances[0].status);
  EXPECT_EQ(view->instances.at(0).usage->cpu_s, 0.25);
  EXPECT_EQ(view->services.at(0).connections_max, 100u);
  EXPECT_EQ(view->counters->arms.at(7), sent.counters->arms.at(7));
  EXPECT_EQ(view->latencies.at(7), sent.latencies.at(7));
  EXPECT_EQ(client().status("").value().size(), 1u);
  EXPECT_EQ(client().status("other").value().size(), 0u);
}

TEST_F(ApiTest, NamesTheActorByTheSocketAndNotByWhatTheClientClaims) {
  ASSERT_TRUE(client().abort({kProd, "somebody else", "because"}));
  EXPECT_THAT(calls(), ElementsAre("abort lettings/prod by " + me() + ": because"));
}

TEST_F(ApiTest, EveryOperationArrivesAsItWasAsked) {
  auto c = client();
  const auto by = " lettings/prod by " + me() + ": because";
  ASSERT_TRUE(c.deploy({"/srv/lettings", "v2", "preprod", "", "hotfix"}));
  ASSERT_TRUE(c.promote(kAct, "DEPLOY"));
  ASSERT_TRUE(c.approve(kAct, "lettings/prod@12", "YES"));
  ASSERT_TRUE(c.rollback(kAct, 5));
  ASSERT_TRUE(c.rollback(kAct, std::nullopt));
  ASSERT_TRUE(c.pause(kAct));
  ASSERT_TRUE(c.resume(kAct));
  ASSERT_TRUE(c.promote_now(kAct));
  ASSERT_TRUE(c.restart(kAct));
  ASSERT_TRUE(c.stop(kAct));
  ASSERT_TRUE(c.start(kAct));
  ASSERT_TRUE(c.scale(kAct, {{"web", 3}, {"worker", 0}}));
  ASSERT_TRUE(c.maintenance(kAct, true));
  ASSERT_TRUE(c.remove(kAct, true));
  ASSERT_TRUE(c.secret_remove(kAct, "SECRET_KEY"));
  EXPECT_EQ(c.secret_set(kAct, "SECRET_KEY", "a\"b\n\\").value(), 3u);
  EXPECT_EQ(c.reclaim("", true).value(), 5'000'000u);
  EXPECT_THAT(
      calls(),
      ElementsAre("deploy /srv/lettings v2 to preprod by " + me() + ": hotfix",
                  "promote" + by + " [DEPLOY]", "approve lettings/prod@12" + by + " [YES]",
                  "rollback" + by + " to 5", "rollback" + by + " to previous", "pause" + by,
                  "resume" + by, "promote_now" + by, "restart" + by, "stop" + by, "start" + by,
                  "scale" + by + " web=3 worker=0", "maintenance" + by + " on",
                  "remove" + by + " with data", "secret_remove SECRET_KEY" + by,
                  "secret_set SECRET_KEY (5 bytes)" + by, "reclaim by " + me() + " dry"));
}

TEST_F(ApiTest, StreamsARunLineByLineAndPassesItsExitCode) {
  fake_.state.with([](auto& s) {
    s.run_lines = {"one", "", "three \"quoted\""};
    s.run_exit_code = 7;
  });
  std::vector<std::string> lines;
  auto code =
      client().run(kAct, {"ls", "a b"}, [&](std::string_view l) { lines.emplace_back(l); }, {});
  ASSERT_TRUE(code) << code.error().message;
  EXPECT_EQ(*code, 7);
  EXPECT_THAT(lines, ElementsAre("one", "", "three \"quoted\""));
  EXPECT_THAT(calls().back(), HasSubstr("'ls' 'a b'"));
}

TEST_F(ApiTest, ARefusedRunIsAnErrorAndNotAnEmptyStream) {
  fake_.state.with([](auto& s) { s.refuse = Error{ErrorKind::kRefused, "stopped", "start it"}; });
  auto code = client().run(kAct, {"ls"}, [](std::string_view) {}, {});
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().kind, ErrorKind::kRefused);
}

TEST_F(ApiTest, AWaitForEventsEndsWhenOneComes) {
  std::jthread later([this] {
    fake_.state.change([](auto& s) {
      s.events.push_back({1, time_at(5), WallTime{1000}, "lettings/prod", "rollout.started",
                          "alice", R"({"release":7})"});
    });
  });
  auto events = client().await_events({.subject_prefix = "lettings/"}, std::chrono::seconds(30));
  ASSERT_TRUE(events) << events.error().message;
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ(events->at(0).body, R"({"release":7})");
  EXPECT_EQ(events->at(0).at, time_at(5));
}

TEST_F(ApiTest, AnErrorKeepsItsKindMessageAndHintThroughTheSocket) {
  for (const auto kind : {ErrorKind::kInvalid, ErrorKind::kNotFound, ErrorKind::kConflict,
                          ErrorKind::kRefused, ErrorKind::kUnavailable, ErrorKind::kTimeout,
                          ErrorKind::kExhausted, ErrorKind::kInternal}) {
    fake_.state.with([&](auto& s) { s.refuse = Error{kind, "what happened", "what to do"}; });
    auto c = client();
    auto result = c.abort(kAct);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, kind);
    EXPECT_EQ(result.error().message, "what happened");
    EXPECT_EQ(result.error().hint, "what to do");
    EXPECT_FALSE(c.daemon_is_away());
  }
}

TEST_F(ApiTest, ADaemonThatIsAwayIsToldApartFromOneThatRefuses) {
  server_.reset();
  auto c = client();
  auto result = c.status("");
  ASSERT_FALSE(result);
  EXPECT_TRUE(c.daemon_is_away());
  EXPECT_THAT(result.error().hint, HasSubstr("ecluse up"));
}

TEST_F(ApiTest, NoAnswerHoldsASecretValue) {
  server_.reset();
  ServerOptions options;
  options.redact = [](std::string_view text) {
    std::string out(text);
    for (auto at = out.find("hunter2\"x"); at != std::string::npos; at = out.find("hunter2\"x")) {
      out.replace(at, 9, "[redacted PASSWORD]");
    }
    return out;
  };
  restart(std::move(options));
  fake_.state.with([](auto& s) {
    s.run_lines = {"password=hunter2\"x"};
    s.logs["web-1"] = "hunter2\"x leaked";
    s.events = {{1, time_at(0), WallTime{0}, "a", "k", "b", R"({"deep":["hunter2\"x"]})"}};
  });
  std::string line;
  ASSERT_TRUE(client().run(kAct, {"env"}, [&](std::string_view l) { line = l; }, {}));
  EXPECT_EQ(line, "password=[redacted PASSWORD]");
  EXPECT_EQ(client().logs("web-1", {}).value().text, "[redacted PASSWORD] leaked");
  EXPECT_EQ(client().events({}).value().at(0).body, R"({"deep":["[redacted PASSWORD]"]})");
  fake_.state.with([](auto& s) { s.refuse = Error{ErrorKind::kInternal, "got hunter2\"x", ""}; });
  EXPECT_EQ(client().abort(kAct).error().message, "got [redacted PASSWORD]");
}

TEST_F(ApiTest, ACommandIsStoppedWhenItsPersonLeaves) {
  fake_.state.with([](auto& s) {
    s.run_lines = {"begun"};
    s.run_is_endless = true;
  });
  const std::string body = R"({"argv":["sleep","600"]})";
  raw("POST /v1/environments/lettings/prod/run HTTP/1.1\r\nHost: e\r\nContent-Length: " +
          std::to_string(body.size()) + "\r\n\r\n" + body,
      "begun");  // and the connection is closed
  const auto is_stopped = [](const auto& s) { return s.calls.back() == "run is stopped"; };
  EXPECT_TRUE(fake_.state.when(std::chrono::seconds(30), is_stopped, is_stopped));
}

TEST_F(ApiTest, OnlyOwnerAndGroupMayOpenTheSocket) {
  struct stat info{};
  ASSERT_EQ(stat(socket().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0660u);
}

TEST_F(ApiTest, ASecondServerOnALiveSocketIsRefusedAndADeadSocketIsReplaced) {
  auto second = Server::start(fake_, {.socket = socket()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
  server_.reset();
  ASSERT_TRUE(os::replace_file(socket(), "left over"));
  restart({});
  EXPECT_TRUE(client().ping());
}

TEST_F(ApiTest, HostileBodiesAreRefusedWithTheirFieldNamed) {
  const std::string deploys = "/v1/deploys";
  const std::pair<std::string, std::string> cases[] = {
      {"{", "not JSON"},
      {"[]", "expected an object"},
      {"null", "expected an object"},
      {"\xff\xfe", "not JSON"},
      {R"({"repository":5})", "expected a string"},
      {R"({"repository":"/r","refs":"x"})", "did you mean"},
      {R"({"repository":"/r","repository":"/s"})", "given twice"},
      {R"({"repository":"/r"} trailing)", "not JSON"},
      {R"({})", "repository"},
      {std::string(100'000, '[') + std::string(100'000, ']'), "too deeply"},
  };
  for (const auto& [body, expected] : cases) {
    const auto answer = post(deploys, body);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << body.substr(0, 80);
    EXPECT_THAT(answer, HasSubstr(expected)) << body.substr(0, 80);
  }
  EXPECT_THAT(post("/v1/environments/lettings/prod/scale", R"({"instances":{"web":99999999999}})"),
              HasSubstr("out of range"));
  EXPECT_THAT(calls(), testing::IsEmpty());
}

TEST_F(ApiTest, HostilePathsReachNoOperation) {
  const std::pair<std::string, std::string> cases[] = {
      {"/v1/../etc/passwd", "400"},
      {"/v1/environments/%2e%2e/prod", "400"},
      {"/v1/environments/a%00b/prod", "400"},
      {"/v1/environments/%zz/prod", "400"},
      {"/v1/environments/UPPER/prod", "400"},
      {"/v1/environments/a%2Fb/prod", "400"},
      {"/v1//environments", "400"},
      {"/v1/events?after=-1", "400"},
      {"/v1/events?after=1&after=2", "400"},
      {"/v1/events?newest_first=maybe", "400"},
      {"http://evil/v1/ping", "400"},
      {"/v2/ping", "404"},
      {"/v1/ping/", "400"},
      {"/" + std::string(5000, 'a'), "400"},
  };
  for (const auto& [path, status] : cases) {
    const auto answer = raw("GET " + path + " HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + status)) << path.substr(0, 80);
    EXPECT_THAT(answer, HasSubstr("\"error\"")) << path.substr(0, 80);
  }
  EXPECT_THAT(calls(), testing::IsEmpty());
}

TEST_F(ApiTest, AWrongMethodNamesTheRightOnes) {
  const auto answer = raw("PATCH /v1/ping HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(answer, HasSubstr("Allow: GET"));
}

TEST_F(ApiTest, TooMuchIsRefusedBeforeItIsRead) {
  const auto body = raw("POST /v1/deploys HTTP/1.1\r\nHost: e\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_THAT(body, StartsWith("HTTP/1.1 413"));
  const auto headers = raw("GET /v1/ping HTTP/1.1\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n");
  EXPECT_THAT(headers, StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(raw("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400"));
}

TEST_F(ApiTest, ASilentPeerIsClosedAtTheDeadline) {
  restart({.bounds = {.idle_max = std::chrono::milliseconds(50),
                      .message_max = std::chrono::milliseconds(50)}});
  EXPECT_EQ(raw(""), "");                             // says nothing
  EXPECT_EQ(raw("GET /v1/ping HTTP/1.1\r\nHo"), "");  // stops in the middle
}

TEST_F(ApiTest, MoreConnectionsThanTheBoundAreTurnedAway) {
  restart({.connections_max = 1});
  const os::Fd first(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket().c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(connect(first.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_THAT(raw(""), StartsWith("HTTP/1.1 503"));
}

TEST_F(ApiTest, SeveralRequestsShareAConnection) {
  const std::string ping = "GET /v1/ping HTTP/1.1\r\nHost: e\r\n\r\n";
  const auto answer =
      raw(ping + ping + "GET /v1/nothing HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(split(answer, '\n').size() > 3, true);
  EXPECT_THAT(answer, HasSubstr("404"));
  EXPECT_NE(answer.find("\"version\""), answer.rfind("\"version\""));
}

TEST_F(ApiTest, TcpWantsLoopbackAndTheToken) {
  EXPECT_FALSE(Server::start(
      fake_, {.socket = folder_ / "b.sock", .tcp = TcpAccess{"0.0.0.0", 0, std::string(32, 't')}}));
  EXPECT_FALSE(Server::start(
      fake_, {.socket = folder_ / "b.sock", .tcp = TcpAccess{"127.0.0.1", 0, "short"}}));
  restart({.tcp = TcpAccess{"127.0.0.1", 0, std::string(32, 't')}});
  const auto url = "http://127.0.0.1:" + std::to_string(server_->tcp_port());
  EXPECT_TRUE(Client({.url = url, .token = std::string(32, 't')}).status(""));
  const auto refused = Client({.url = url, .token = std::string(32, 'x')}).status("");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kRefused);
  EXPECT_FALSE(Client({.url = url}).status(""));
}

TEST_F(ApiTest, StoppingAnswersThoseThatOnlyWait) {
  Result<std::vector<ports::StoredEvent>> events;
  std::jthread waiting([&] { events = client().await_events({}, std::chrono::seconds(30)); });
  // The wait has begun when the server has asked for events that way once.
  while (calls().empty()) std::this_thread::yield();
  EXPECT_TRUE(server_->stop(std::chrono::seconds(10)));
  waiting.join();
  EXPECT_TRUE(events) << events.error().message;
}

TEST(ApiDocument, NamesEveryRoute) {
  const auto text = os::read_file(ECLUSE_SOURCE "/docs/api.md", 1 << 20);
  ASSERT_TRUE(text) << text.error().message;
  for (const auto& route : routes()) {
    const auto line =
        std::string("`") + std::string(route.method) + " " + std::string(route.pattern) + "`";
    EXPECT_THAT(*text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace ecluse::api
