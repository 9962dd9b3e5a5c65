#include "gateway/access_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "gateway/control_line.h"
#include "gateway/testing_sites.h"

namespace ecluse::gateway::testing {

namespace {
using nlohmann::json;

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}
std::vector<json> lines_of(const std::filesystem::path& file) {
  std::vector<json> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

/// A pipe that nobody reads stands for the disk.
class SlowDisk {
 public:
  SlowDisk() {
    if (::mkfifo(file().c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
    pipe_.reset(::open(file().c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (!pipe_) throw std::runtime_error("open a pipe");
  }
  std::filesystem::path file() const { return folder_.path() / "access.log"; }
  /// The first bytes have come, and no more fit.
  bool await_full() const {
    return eventually([&] {
      pollfd state{pipe_.get(), POLLIN | POLLOUT, 0};
      return ::poll(&state, 1, 0) == 1 && state.revents == POLLIN;
    });
  }
  /// Takes what there is, until the next byte is the last that was asked for.
  std::string read_until(std::string_view end) {
    std::string text;
    std::array<char, 65536> chunk{};
    (void)eventually([&] {
      for (ssize_t n = 0; (n = ::read(pipe_.get(), chunk.data(), chunk.size())) > 0;) {
        text.append(chunk.data(), static_cast<std::size_t>(n));
      }
      return text.ends_with(end);
    });
    return text;
  }

 private:
  TemporaryFolder folder_;
  os::Fd pipe_;
};
}  // namespace

TEST(AccessLog, RotatesBySizeAndKeepsSoMany) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "access.log";
  {
    AccessLog log(file, 100, 3);
    for (int i = 0; i < 10; ++i) {
      log.put(std::string(120, static_cast<char>('0' + i)));
      const std::string first = std::string(1, static_cast<char>('0' + i));
      ASSERT_TRUE(eventually([&] { return text_of(file.string() + ".1").starts_with(first); }));
    }
  }
  EXPECT_TRUE(text_of(file.string() + ".1").starts_with("9"));
  EXPECT_TRUE(text_of(file.string() + ".2").starts_with("8"));
  EXPECT_FALSE(std::filesystem::exists(file.string() + ".3"));
}

TEST(AccessLog, WritesWhatIsQueuedBeforeItEnds) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "access.log";
  {
    AccessLog log(file, 1 << 20, 3);
    for (int i = 0; i < 1000; ++i) log.put("{}");
  }
  EXPECT_EQ(lines_of(file).size(), 1000U);
}

TEST(AccessLog, PicksOneOfEveryN) {
  const TemporaryFolder folder;
  AccessLog log(folder.path() / "access.log", 1 << 20, 3);
  for (const std::uint32_t every : {1U, 3U, 10U}) {
    log.log_every(every);
    int picked = 0;
    for (std::uint64_t random = 0; random < 3000; ++random) picked += log.picks(random) ? 1 : 0;
    EXPECT_EQ(picked, 3000 / every) << every;
  }
}

TEST(AccessLog, LinesThatTheDiskIsTooSlowForAreDroppedAndCounted) {
  SlowDisk disk;
  AccessLog log(disk.file(), 1 << 20, 3);
  log.put(std::string(1 << 20, 'x'));  // more than a pipe holds: its thread is held up with it
  EXPECT_TRUE(disk.await_full());
  for (std::size_t i = 1; i < AccessLog::kQueuedLinesMax; ++i) log.put("kept");
  log.put("last");
  EXPECT_EQ(log.dropped(), 0U);
  for (int i = 0; i < 7; ++i) log.put("lost");
  EXPECT_EQ(log.dropped(), 7U);
  const std::string written = disk.read_until("last\n");
  EXPECT_EQ(written.size(), (1U << 20) + 1 + AccessLog::kQueuedLinesMax * 5);
}

TEST(AccessLog, SaysWhatEachRequestWasAndNoSecret) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "access.log";
  RecordingApp app("hello");
  Served served({"--access-log", file.string()});
  Decisions decisions;
  auto logged = site({arm(7, kAll, app)});
  logged.on_trial = 7;
  ASSERT_TRUE(served.traffic.apply(logged, decisions.next()));
  (void)answer_to(
      served.port(),
      "POST /pay?card=query-secret HTTP/1.1\r\nHost: a\r\nCookie: session=cookie-secret\r\n"
      "Authorization: Bearer token-secret\r\nConnection: close\r\nContent-Length: 3\r\n\r\n"
      "abc");
  (void)answer_to(served.port(), get("unknown.example", "/lost"));
  ASSERT_TRUE(eventually([&] { return lines_of(file).size() == 2; }));
  EXPECT_EQ(text_of(file).find("secret"), std::string::npos);
  const json paid = lines_of(file).at(0);
  EXPECT_EQ(paid.at("method"), "POST");
  EXPECT_EQ(paid.at("path"), "/pay");
  EXPECT_EQ(paid.at("host"), "a");
  EXPECT_EQ(paid.at("status"), 200);
  EXPECT_EQ(paid.at("site"), "lettings/prod");
  EXPECT_EQ(paid.at("release"), 7);
  EXPECT_EQ(paid.at("cohort"), "trial");
  EXPECT_EQ(paid.at("instance"), "i7");
  EXPECT_EQ(paid.at("client"), "127.0.0.1");
  EXPECT_EQ(paid.at("bytes_in"), 3);
  EXPECT_EQ(paid.at("bytes_out"), 5);
  EXPECT_EQ(paid.at("attempts"), 1);
  EXPECT_GE(paid.at("took_ms").get<double>(), paid.at("head_ms").get<double>());
  EXPECT_NE(app.received().find("X-Request-ID: " + paid.at("id").get<std::string>()),
            std::string::npos);
  const json lost = lines_of(file).at(1);
  EXPECT_EQ(lost.at("status"), 404);
  EXPECT_EQ(lost.at("id"), "");
  EXPECT_EQ(lost.at("bytes_out"), 0);
}

TEST(AccessLog, ARequestWithoutAnAnswerHasNoStatusOfTheOneBeforeIt) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "access.log";
  std::atomic<bool> is_asked{false};
  RecordingApp app([&](RecordingApp::Peer& peer) {
    if (peer.read_request().empty()) return;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    is_asked = !peer.read_request().empty();
    (void)peer.read_some();
  });
  const Proxy proxy(app, {"--workers", "1", "--access-log", file.string()});
  RawClient client(proxy.port());
  ASSERT_TRUE(client.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_EQ(status_of(client.read_answer()), 200);
  ASSERT_TRUE(client.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_TRUE(eventually([&] { return is_asked.load(); }));
  client.reset();
  ASSERT_TRUE(eventually([&] { return lines_of(file).size() == 2; }));
  EXPECT_EQ(lines_of(file).at(1).at("path"), "/second");
  EXPECT_EQ(lines_of(file).at(1).at("status"), 0);
}

/// Chosen at random: of 2000 about 500, and ten deviations to either side.
TEST(AccessLog, OneRequestOfEveryFourIsLogged) {
  RecordingApp app;
  Served served({"--workers", "1"});
  Decisions decisions;
  ASSERT_TRUE(served.traffic.apply(site({arm(7, kAll, app)}), decisions.next()));
  ControlLine line(served.folder.path() / "gateway.sock", Duration(15'000));
  ASSERT_TRUE(line.call({{"op", "access_log"}, {"every", 4}}));
  RawClient client(served.port());
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    ASSERT_EQ(status_of(client.read_answer()), 200);
  }
  served.gateway->terminate();  // writes what is queued
  const std::size_t logged = lines_of(served.folder.path() / "gateway" / "access.log").size();
  EXPECT_GT(logged, 300U);
  EXPECT_LT(logged, 700U);
}

TEST(AccessLog, IsOffUntilItIsAskedFor) {
  RecordingApp app("hello");
  Served served({"--workers", "1"});
  Decisions decisions;
  ASSERT_TRUE(served.traffic.apply(site({arm(7, kAll, app)}), decisions.next()));
  const auto file = served.folder.path() / "gateway" / "access.log";
  (void)answer_to(served.port(), get("a", "/before"));
  ControlLine line(served.folder.path() / "gateway.sock", Duration(15'000));
  const auto on = line.call({{"op", "access_log"}, {"every", 1}});
  ASSERT_TRUE(on) << on.error().message;
  EXPECT_EQ(on->at("file"), file.string());
  (void)answer_to(served.port(), get("a", "/during"));
  ASSERT_TRUE(eventually([&] { return !lines_of(file).empty(); }));
  ASSERT_TRUE(line.call({{"op", "access_log"}, {"every", 0}}));
  (void)answer_to(served.port(), get("a", "/after"));
  served.gateway->terminate();  // writes what is queued
  ASSERT_EQ(lines_of(file).size(), 1U);
  EXPECT_EQ(lines_of(file)[0].at("path"), "/during");
}

}  // namespace ecluse::gateway::testing
