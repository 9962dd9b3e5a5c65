#include "runtime/process/process_runtime.h"

#include <set>

#include "runtime/process/runtime_test_home.h"

namespace ecluse::runtime {
namespace {

using testing::ask;
using testing::eventually;
class ProcessRuntimeTest : public testing::RuntimeTest {};

TEST_F(ProcessRuntimeTest, RunsOneFixedPortManyTimesAtDistinctAddresses) {
  std::set<std::string> addresses;
  for (int i = 1; i <= 4; ++i) {
    const auto started = runtime_->start(server(fmt::format("shop-test-1-web-{}", i)));
    ASSERT_TRUE(started) << started.error().message;
    EXPECT_EQ(started->port, 8000);
    addresses.insert(started->address);
  }
  EXPECT_EQ(addresses.size(), 4U);
  for (const auto& address : addresses) {
    EXPECT_TRUE(eventually([&] { return ask(address, 8000).starts_with("HTTP/1.0 200"); }))
        << address;
  }
  EXPECT_EQ(runtime_->list()->size(), 4U);
}

TEST_F(ProcessRuntimeTest, ReachesAnAppThatListensOnLoopbackOnly) {
  const auto started = runtime_->start(server("shop-test-1-web-1", "127.0.0.1"));
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_TRUE(eventually([&] { return ask(started->address, 8000).starts_with("HTTP/1.0 200"); }));
  const auto listeners = runtime_->listeners("shop-test-1-web-1");
  ASSERT_TRUE(listeners);
  ASSERT_EQ(listeners->size(), 1U);
  EXPECT_EQ(listeners->front().address, "127.0.0.1");
  EXPECT_EQ(listeners->front().port, 8000);
}

TEST_F(ProcessRuntimeTest, StoppingEndsItAndForgetsIt) {
  ASSERT_TRUE(runtime_->start(server("shop-test-1-web-1")));
  const int pid = status("shop-test-1-web-1").pid;
  ASSERT_GT(pid, 0);
  const auto stopped = runtime_->stop("shop-test-1-web-1");
  ASSERT_TRUE(stopped) << stopped.error().message;
  EXPECT_NE(::kill(pid, 0), 0);
  EXPECT_TRUE(runtime_->list()->empty());
  EXPECT_TRUE(runtime_->stop("shop-test-1-web-1")) << "stopping twice is no error";
  EXPECT_FALSE(runtime_->status("shop-test-1-web-1"));
}

TEST_F(ProcessRuntimeTest, StartingTwiceIsOneInstanceAndAnotherLaunchIsAConflict) {
  const auto first = runtime_->start(launch("one", "exec sleep 1000"));
  ASSERT_TRUE(first) << first.error().message;
  const auto again = runtime_->start(launch("one", "exec sleep 1000"));
  ASSERT_TRUE(again);
  EXPECT_EQ(first->pid, again->pid);
  const auto other = runtime_->start(launch("one", "exec sleep 2000"));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::kConflict);
}

TEST_F(ProcessRuntimeTest, ACommandThatDoesNotExistIsToldByName) {
  const auto started = runtime_->start(launch("one", "exec gunicorn-that-is-not --bind x"));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().kind, ErrorKind::kNotFound);
  EXPECT_NE(started.error().message.find("exec gunicorn-that-is-not: not found"), std::string::npos)
      << started.error().message;
  EXPECT_TRUE(runtime_->list()->empty());
  EXPECT_TRUE(std::filesystem::is_empty(home_ / "data/instances"));
}

TEST_F(ProcessRuntimeTest, OutputIsLoggedAndStaysReadableAfterTheStop) {
  ASSERT_TRUE(runtime_->start(launch("one", "echo out; echo err >&2; exec sleep 1000")));
  EXPECT_TRUE(logs_contain("one", "out\nerr\n")) << log_of("one");
  ASSERT_TRUE(runtime_->stop("one"));
  EXPECT_EQ(log_of("one"), "out\nerr\n");
}

}  // namespace
}  // namespace ecluse::runtime
