// What a request costs of the heap, on the gateway as a program whose operator new counts.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdlib>

#include "gateway/testing.h"

namespace ecluse::gateway {
namespace {

using namespace testing;

/// The file that the counting program maps: tests/gateway/counting_new.cc.
class Counts {
 public:
  Counts() {
    const std::string file = (folder_.path() / "counts").string();
    const os::Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    EXPECT_EQ(::ftruncate(fd.get(), sizeof(Numbers)), 0);
    mapping_ = ::mmap(nullptr, sizeof(Numbers), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    EXPECT_NE(mapping_, MAP_FAILED);
    ::setenv("ECLUSE_COUNT_ALLOCATIONS", file.c_str(), 1);
  }
  ~Counts() {
    ::unsetenv("ECLUSE_COUNT_ALLOCATIONS");
    (void)::munmap(mapping_, sizeof(Numbers));  // cannot fail on our mapping
  }
  Counts(const Counts&) = delete;
  Counts& operator=(const Counts&) = delete;
  std::int64_t taken() const { return static_cast<std::int64_t>(numbers().taken); }
  std::int64_t living() const { return taken() - static_cast<std::int64_t>(numbers().given_back); }

 private:
  struct Numbers {
    std::atomic<std::uint64_t> taken;
    std::atomic<std::uint64_t> given_back;
  };
  const Numbers& numbers() const { return *static_cast<const Numbers*>(mapping_); }
  TemporaryFolder folder_;
  void* mapping_ = nullptr;
};

struct Counted {
  explicit Counted(RecordingApp::Serve serve)
      : app(std::move(serve)),
        gateway({"--listen", "127.0.0.1:0", "--to", app.address(), "--workers", "1"},
                ECLUSE_COUNTING_PROGRAM) {}
  Counts counts;
  RecordingApp app;
  GatewayProcess gateway;
};

RecordingApp::Serve answers(std::string text) {
  return [text = std::move(text)](RecordingApp::Peer& peer) {
    while (!peer.read_request().empty() && peer.send(text)) {
    }
  };
}

// Other threads of the program wake twice a second, whatever is asked.
constexpr std::int64_t kOfOthersMax = 150;
constexpr int kRequests = 2000;

std::int64_t cost_of(Counted& counted, std::string_view request, std::string_view end) {
  RawClient client(counted.gateway.port());
  const auto ask = [&](int times) {
    for (int i = 0; i < times; ++i) {
      if (!client.send(request) || client.take_through(end).empty()) return false;
    }
    return true;
  };
  EXPECT_TRUE(ask(100));  // pools and tables grow to their size
  const std::int64_t before = counted.counts.taken();
  EXPECT_GT(before, 0) << "nothing is counted";
  EXPECT_TRUE(ask(kRequests));
  return counted.counts.taken() - before;
}

TEST(Allocations, AGetOnAKeptConnectionMakesNone) {
  Counted counted(answers("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"));
  EXPECT_LT(cost_of(counted, "GET /a?b=c HTTP/1.1\r\nHost: a\r\nCookie: d=e\r\n\r\n", "ok\n"),
            kOfOthersMax);
}

TEST(Allocations, ABodyOfEitherFramingMakesNone) {
  Counted counted(
      answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n0\r\n\r\n"));
  EXPECT_LT(
      cost_of(counted, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "0\r\n\r\n"),
      kOfOthersMax);
}

TEST(Allocations, ConnectionsThatEndedLeaveNothingBehind) {
  Counted counted(answers("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"));
  const auto churn = [&](int connections) {
    for (int i = 0; i < connections; ++i) {
      const std::string answer = answer_to(
          counted.gateway.port(), "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      ASSERT_EQ(body_of(answer), "ok\n");
    }
  };
  churn(300);
  const std::int64_t before = counted.counts.living();
  churn(kRequests);
  EXPECT_LT(counted.counts.living() - before, kOfOthersMax);
}

}  // namespace
}  // namespace ecluse::gateway
