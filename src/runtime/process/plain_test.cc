// Without privileges: plain processes, and what is said about it.
#include <set>

#include "runtime/process/runtime_test_home.h"

namespace ecluse::runtime {
namespace {

using testing::ask;
using testing::eventually;

class PlainTest : public testing::RuntimeTest {
 protected:
  void SetUp() override {
    options_.isolation = Isolation::kNever;
    testing::RuntimeTest::SetUp();
  }
};

TEST_F(PlainTest, AnAppIsGivenAFreePortByTheEnvironment) {
  std::set<int> ports;
  for (const char* id : {"one", "two"}) {
    auto l = launch(id, "exec python3 -m http.server $PORT --bind 127.0.0.1");
    l.port = 8080;
    l.env["PORT"] = "8080";
    const auto started = runtime_->start(l);
    ASSERT_TRUE(started) << started.error().message;
    EXPECT_EQ(started->address, "127.0.0.1");
    ports.insert(started->port);
    EXPECT_TRUE(
        eventually([&] { return ask("127.0.0.1", started->port).starts_with("HTTP/1.0 200"); }));
    const auto listeners = runtime_->listeners(id);
    ASSERT_TRUE(listeners);
    ASSERT_EQ(listeners->size(), 1U);
    EXPECT_EQ(listeners->front().port, started->port);
  }
  EXPECT_EQ(ports.size(), 2U);
  EXPECT_FALSE(runtime_->isolated());
}

TEST_F(PlainTest, AFixedPortRunsOnceAndTheSecondOneIsToldWhy) {
  const os::Fd taken(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof in;
  ASSERT_EQ(::bind(taken.get(), reinterpret_cast<sockaddr*>(&in), size), 0);
  ASSERT_EQ(::listen(taken.get(), 1), 0);
  ASSERT_EQ(::getsockname(taken.get(), reinterpret_cast<sockaddr*>(&in), &size), 0);
  auto l = launch("one", "exec sleep 1000");
  l.port = ntohs(in.sin_port);
  const auto refused = runtime_->start(l);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
  EXPECT_NE(refused.error().message.find("can run only once"), std::string::npos);
  EXPECT_NE(refused.error().hint.find("$PORT"), std::string::npos);
  EXPECT_TRUE(runtime_->list()->empty());
}

TEST_F(PlainTest, OrphansAreEndedWithoutACgroupToo) {
  ASSERT_TRUE(runtime_->start(launch(
      "one", "(setsid sh -c 'setsid sleep 4343 & echo orphan $!; exit 0'); exec sleep 1000")));
  ASSERT_TRUE(logs_contain("one", "orphan "));
  const std::string log = log_of("one");
  const int orphan = std::atoi(log.c_str() + log.find("orphan ") + 7);
  ASSERT_TRUE(runtime_->stop("one"));
  EXPECT_TRUE(eventually([&] { return ::kill(orphan, 0) != 0; }));
}

}  // namespace
}  // namespace ecluse::runtime
