// The gateway replaced by a newer program while it carries traffic.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "gateway/testing_sites.h"

namespace ecluse::gateway {
namespace {

using namespace testing;
using nlohmann::json;
namespace fs = std::filesystem;

/// One line to the control socket, and its answer; null while nobody answers there.
json ask(const fs::path& socket, const json& question) {
  const os::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = socket.string();
  std::copy(path.begin(), path.end(), address.sun_path);
  const auto* const raw = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(fd.get(), raw, sizeof address) != 0) return nullptr;
  const std::string text = question.dump() + "\n";
  const ssize_t sent = ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(text.size())) return nullptr;
  std::string line;
  std::array<char, 4096> chunk{};
  for (ssize_t n = 0; line.find('\n') == std::string::npos;) {
    n = ::recv(fd.get(), chunk.data(), chunk.size(), 0);
    if (n <= 0) return nullptr;
    line.append(chunk.data(), static_cast<std::size_t>(n));
  }
  return json::parse(line);
}

/// A gateway whose program lies in a folder of its own, so that another can take its place.
class Upgradable {
 public:
  explicit Upgradable(const RecordingApp& app, std::vector<std::string> more = {}) {
    fs::copy_file(ECLUSE_GATEWAY_PROGRAM, program());
    std::vector<std::string> arguments = {"--listen",    "127.0.0.1:0", "--to",
                                          app.address(), "--control",   control().string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    gateway_ = std::make_unique<GatewayProcess>(arguments, program().string());
  }
  fs::path program() const { return folder_.path() / "ecluse"; }
  fs::path control() const { return folder_.path() / "control.sock"; }
  GatewayProcess& gateway() { return *gateway_; }
  std::uint16_t port() const { return gateway_->port(); }

  /// What lies at the program's path from now on.
  void install(const fs::path& other) {
    const fs::path fresh = folder_.path() / "fresh";
    fs::copy_file(other, fresh, fs::copy_options::overwrite_existing);
    ASSERT_EQ(::chmod(fresh.c_str(), 0755), 0);
    fs::rename(fresh, program());
  }
  void install_text(const std::string& text) {
    const fs::path file = folder_.path() / "text";
    std::ofstream(file) << text;
    install(file);
  }
  json itself() {
    json answer;
    const bool answered = eventually([&] {
      answer = ask(control(), {{"op", "itself"}});
      return !answer.is_null();
    });
    EXPECT_TRUE(answered);
    return answer;
  }
  int generation() { return itself().value("generation", 0); }
  /// SIGUSR2 to the pid that the user knows; returns when the newer process serves.
  void upgrade() {
    const int before = generation();
    ASSERT_EQ(::kill(gateway_->pid(), SIGUSR2), 0);
    ASSERT_TRUE(eventually([&] { return generation() == before + 1; }));
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<GatewayProcess> gateway_;
};

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kGetOnce = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// Clients that ask without a pause until told to stop; each answer that is not a whole 200 is a
/// loss.
class Load {
 public:
  explicit Load(std::uint16_t port) {
    for (int i = 0; i < 3; ++i) threads_.emplace_back([this, port] { ask_fresh(port); });
    for (int i = 0; i < 3; ++i) threads_.emplace_back([this, port] { ask_kept(port); });
  }
  ~Load() { stop(); }
  void stop() {
    ends_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  int answered() const { return answered_; }
  int lost() const { return lost_; }
  /// So many more answers have come.
  bool await_answers(int more) {
    const int until = answered_ + more;
    return eventually([&] { return answered_ >= until; });
  }

 private:
  void count(const std::string& answer) { ++(status_of(answer) == 200 ? answered_ : lost_); }
  void ask_fresh(std::uint16_t port) {
    while (!ends_) count(answer_to(port, kGetOnce));
  }
  /// Keeps its connection as long as the gateway does not say that it ends.
  void ask_kept(std::uint16_t port) {
    while (!ends_) {
      RawClient client(port);
      for (bool goes_on = true; goes_on && !ends_;) {
        const std::string answer = client.send(kGet) ? client.read_answer() : std::string();
        count(answer);
        goes_on = status_of(answer) == 200 && answer.find("Connection: close") == std::string::npos;
      }
    }
  }

  std::atomic<bool> ends_{false};
  std::atomic<int> answered_{0};
  std::atomic<int> lost_{0};
  std::vector<std::thread> threads_;
};

TEST(HandOver, FiveUpgradesUnderLoadLoseNothingAndKeepThePid) {
  RecordingApp app;
  Upgradable upgradable(app, {"--workers", "2"});
  const int pid = upgradable.gateway().pid();
  std::set<int> workers{upgradable.gateway().newest_worker_pid()};
  Load load(upgradable.port());
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(load.await_answers(30));
    upgradable.install(ECLUSE_GATEWAY_PROGRAM);
    upgradable.upgrade();
    workers.insert(upgradable.gateway().newest_worker_pid());
  }
  ASSERT_TRUE(load.await_answers(30));
  load.stop();
  EXPECT_EQ(load.lost(), 0);
  EXPECT_GT(load.answered(), 180);
  EXPECT_EQ(workers.size(), 6U);
  EXPECT_EQ(upgradable.gateway().pid(), pid);
  // The former ones had nothing left to carry.
  EXPECT_TRUE(eventually([&] { return upgradable.gateway().worker_count() == 1; }));
}

TEST(HandOver, MetricsAreAnsweredBeforeAndAfter) {
  RecordingApp app;
  const std::uint16_t metrics = RecordingApp().port();
  Upgradable upgradable(app, {"--metrics", fmt::format("127.0.0.1:{}", metrics)});
  const auto scraped = [&] {
    return status_of(answer_to(metrics, "GET /metrics HTTP/1.1\r\nHost: m\r\n\r\n"));
  };
  EXPECT_EQ(scraped(), 200);
  for (int i = 0; i < 2; ++i) {
    ASSERT_NO_FATAL_FAILURE(upgradable.upgrade());
    EXPECT_TRUE(eventually([&] { return scraped() == 200; }));
  }
  upgradable.install_text("not a program");
  ASSERT_EQ(::kill(upgradable.gateway().pid(), SIGUSR2), 0);
  ASSERT_TRUE(eventually([&] { return !upgradable.itself().value("refusal", "").empty(); }));
  EXPECT_EQ(scraped(), 200);
}

TEST(HandOver, TheKeeperBecomesTheNewProgramToo) {
  RecordingApp app;
  Upgradable upgradable(app);
  const auto inode_of = [](const fs::path& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_ino;
  };
  const fs::path running = "/proc/" + std::to_string(upgradable.gateway().pid()) + "/exe";
  const auto before = inode_of(running);
  upgradable.install(ECLUSE_GATEWAY_PROGRAM);
  upgradable.upgrade();
  EXPECT_TRUE(eventually([&] { return inode_of(running) == inode_of(upgradable.program()); }));
  EXPECT_NE(inode_of(running), before);
  // It still keeps: another worker takes the place of a killed one.
  upgradable.gateway().kill_worker();
  EXPECT_EQ(status_of(answer_to(upgradable.port(), kGetOnce)), 200);
}

TEST(HandOver, FewerThreadsServeEveryShard) {
  RecordingApp app;
  Upgradable upgradable(app, {"--workers", "3"});
  const int before = upgradable.generation();
  const json asked = ask(upgradable.control(), {{"op", "upgrade"}, {"workers", 2}});
  EXPECT_EQ(asked.value("generation", 0), before);
  ASSERT_TRUE(eventually([&] { return upgradable.generation() == before + 1; }));
  // The kernel spreads connections over all three shards.
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(status_of(answer_to(upgradable.port(), kGetOnce)), 200);
  }
}

/// Fewer and fewer threads take over the sockets of more, queues and all.
TEST(HandOver, ToFewerThreadsUnderLoadLosesNothing) {
  RecordingApp app;
  Upgradable upgradable(app, {"--workers", "4"});
  Load load(upgradable.port());
  for (const int workers : {3, 2, 1}) {
    ASSERT_TRUE(load.await_answers(60));
    const int before = upgradable.generation();
    const json asked = ask(upgradable.control(), {{"op", "upgrade"}, {"workers", workers}});
    ASSERT_EQ(asked.value("generation", 0), before);
    ASSERT_TRUE(eventually([&] { return upgradable.generation() == before + 1; }));
  }
  ASSERT_TRUE(load.await_answers(60));
  load.stop();
  EXPECT_EQ(load.lost(), 0);
}

class Broken : public ::testing::TestWithParam<const char*> {};

TEST_P(Broken, ProgramLeavesTheFormerOneServing) {
  RecordingApp app;
  Upgradable upgradable(app);
  const int worker = upgradable.gateway().newest_worker_pid();
  Load load(upgradable.port());
  upgradable.install_text(GetParam());
  ASSERT_EQ(::kill(upgradable.gateway().pid(), SIGUSR2), 0);
  EXPECT_TRUE(eventually([&] { return upgradable.itself().value("refusal", "") != ""; }));
  ASSERT_TRUE(load.await_answers(30));
  load.stop();
  EXPECT_EQ(load.lost(), 0);
  EXPECT_EQ(upgradable.gateway().newest_worker_pid(), worker);
  // And a good one is taken afterwards.
  upgradable.install(ECLUSE_GATEWAY_PROGRAM);
  upgradable.upgrade();
  EXPECT_EQ(status_of(answer_to(upgradable.port(), kGetOnce)), 200);
}
INSTANTIATE_TEST_SUITE_P(HandOver, Broken,
                         ::testing::Values("not a program at all", "#!/bin/false\n",
                                           "\x7f"
                                           "ELF but no more than that"));

/// An app that answers /late only when let go, everything else at once.
class LateApp {
 public:
  const RecordingApp& app() const { return app_; }
  bool await_question() {
    return eventually([&] { return was_asked_.load(); });
  }
  void let_go() { may_answer_ = true; }

 private:
  void serve(RecordingApp::Peer& peer) {
    for (std::string request = peer.read_request(); !request.empty();
         request = peer.read_request()) {
      if (request.starts_with("GET /late ")) {
        was_asked_ = true;
        EXPECT_TRUE(eventually([&] { return may_answer_.load(); }));
      }
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
    }
  }

  std::atomic<bool> was_asked_{false};
  std::atomic<bool> may_answer_{false};
  RecordingApp app_{[this](RecordingApp::Peer& peer) { serve(peer); }};
};

std::set<std::string> names_of_threads(int pid) {
  std::set<std::string> names;
  std::error_code gone;  // then there are none
  for (const auto& thread : fs::directory_iterator(fmt::format("/proc/{}/task", pid), gone)) {
    std::string name;
    std::getline(std::ifstream(thread.path() / "comm") >> std::ws, name);
    names.insert(name);
  }
  return names;
}

constexpr std::string_view kGetLate = "GET /late HTTP/1.1\r\nHost: a\r\n\r\n";

bool says_close(const std::string& answer) {
  return answer.find("Connection: close") != std::string::npos;
}

TEST(HandOver, RequestUnderWayIsAnsweredByTheFormerProcess) {
  LateApp late;
  Upgradable upgradable(late.app(), {"--workers", "1"});
  RawClient client(upgradable.port());
  RawClient idle(upgradable.port());
  ASSERT_TRUE(client.send(kGetLate));
  ASSERT_TRUE(idle.send(kGet));
  EXPECT_FALSE(says_close(idle.read_answer()));
  ASSERT_TRUE(late.await_question());
  upgradable.upgrade();
  // The new process serves before the former one has heard of it: from when on it has, every answer
  // of its only thread says so.
  ASSERT_TRUE(eventually([&] { return idle.send(kGet) && says_close(idle.read_answer()); }));
  late.let_go();
  const std::string answer = client.read_answer();
  EXPECT_EQ(body_of(answer), "late");
  EXPECT_TRUE(says_close(answer));
}

/// One of its two threads has nobody to wait for.
TEST(HandOver, DecisionsDoNotWaitForThreadsThatHaveEnded) {
  LateApp late;
  Served served;
  Decisions decisions;
  const auto apply = [&] {
    return served.traffic.apply(site({arm(1, kAll, late.app())}), decisions.next());
  };
  ASSERT_TRUE(apply());
  RawClient client(served.port());
  ASSERT_TRUE(client.send(kGetLate));
  ASSERT_TRUE(late.await_question());
  const int former = served.gateway->worker_pid();
  ASSERT_EQ(::kill(served.gateway->pid(), SIGUSR2), 0);
  const auto has_one_thread_less = [&] {
    return names_of_threads(former).count("worker-0") +
               names_of_threads(former).count("worker-1") ==
           1;
  };
  ASSERT_TRUE(eventually(has_one_thread_less));
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(apply());
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(3));
  late.let_go();
  EXPECT_EQ(body_of(client.read_answer()), "late");
}

TEST(HandOver, WebsocketsOfTheFormerProcessHearThatTheirReleaseDrains) {
  RecordingApp app([](RecordingApp::Peer& peer) {
    if (peer.read_request().empty()) return;
    peer.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    while (!peer.read_some().empty()) {
    }
  });
  Upgradable upgradable(app);
  RawClient client(upgradable.port());
  ASSERT_TRUE(client.send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"));
  ASSERT_EQ(status_of(client.read_until("\r\n\r\n")), 101);
  upgradable.upgrade();
  const json drained = ask(upgradable.control(), {{"op", "drain"},
                                                  {"app", "gateway"},
                                                  {"environment", "alone"},
                                                  {"release", 1},
                                                  {"websocket_budget_ms", 0}});
  ASSERT_EQ(drained.value("ok", false), true) << drained.dump();
  EXPECT_NE(client.read_to_end().find("\x88\x02\x03\xf4"), std::string::npos);  // close 1012
  EXPECT_FALSE(client.timed_out());
}

/// A request that the app has and has not answered yet.
struct UnderWay {
  bool begin() { return client.send(kGetLate) && late.await_question(); }

  LateApp late;
  Upgradable upgradable{late.app()};
  RawClient client{upgradable.port()};
};

TEST(HandOver, SignalsToTheWholeGroupDoNotCutRequestsOff) {
  UnderWay its;
  ASSERT_TRUE(its.begin());
  const int worker = its.upgradable.gateway().newest_worker_pid();
  for (const int number : {SIGINT, SIGTERM, SIGUSR2}) ASSERT_EQ(::kill(worker, number), 0);
  ASSERT_EQ(::kill(its.upgradable.gateway().pid(), SIGTERM), 0);
  its.late.let_go();
  EXPECT_EQ(body_of(its.client.read_answer()), "late");
  EXPECT_EQ(its.upgradable.gateway().await_exit(), 0);
}

TEST(HandOver, AHangUpToAWorkerProcessDoesNothing) {
  UnderWay its;
  ASSERT_TRUE(its.begin());
  const int worker = its.upgradable.gateway().newest_worker_pid();
  ASSERT_EQ(::kill(worker, SIGHUP), 0);
  its.late.let_go();
  EXPECT_EQ(body_of(its.client.read_answer()), "late");
  EXPECT_EQ(status_of(answer_to(its.upgradable.port(), kGetOnce)), 200);
  EXPECT_EQ(its.upgradable.gateway().newest_worker_pid(), worker);
}

TEST(HandOver, AHangUpEndsTheKeeperAndTheWorkerProcessDrains) {
  UnderWay its;
  ASSERT_TRUE(its.begin());
  const int worker = its.upgradable.gateway().newest_worker_pid();
  ASSERT_EQ(::kill(its.upgradable.gateway().pid(), SIGHUP), 0);
  EXPECT_EQ(its.upgradable.gateway().await_exit(), 128 + SIGHUP);
  its.late.let_go();
  EXPECT_EQ(body_of(its.client.read_answer()), "late");
  EXPECT_TRUE(eventually([&] { return ::kill(worker, 0) != 0; }));
}

}  // namespace
}  // namespace ecluse::gateway
