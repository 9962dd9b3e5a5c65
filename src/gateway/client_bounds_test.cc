// What one client may take of the gateway, and what the others keep.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "gateway/testing.h"

namespace ecluse::gateway {
namespace {

using namespace testing;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kGetOnce = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

TEST(ClientBounds, OneAddressHasSoManyConnectionsAndNoMore) {
  RecordingApp app;
  const Proxy proxy(app, {"--workers", "2", "--bounds", "address_connections_max=2"});
  RawClient first(proxy.port());
  auto second = std::make_unique<RawClient>(proxy.port());
  for (RawClient* const client : {&first, second.get()}) {
    ASSERT_TRUE(client->send(kGet));
    EXPECT_EQ(status_of(client->read_answer()), 200);
  }
  EXPECT_EQ(status_of(answer_to(proxy.port(), kGet)), 429);
  // Who is here is served on, and a place that is given up can be taken.
  ASSERT_TRUE(first.send(kGet));
  EXPECT_EQ(status_of(first.read_answer()), 200);
  second.reset();
  EXPECT_TRUE(eventually([&] { return status_of(answer_to(proxy.port(), kGetOnce)) == 200; }));
}

TEST(ClientBounds, EachThreadTakesOneClientHoweverFewThereMayBe) {
  RecordingApp app;
  const Proxy proxy(app, {"--workers", "4", "--bounds", "client_connections_max=1"});
  for (int i = 0; i < 8; ++i) EXPECT_EQ(status_of(answer_to(proxy.port(), kGetOnce)), 200) << i;
}

TEST(ClientBounds, OneAddressAsksSoOftenAndNoMore) {
  RecordingApp app;
  const Proxy proxy(app, {"--bounds", "address_requests_per_s_max=5"});
  RawClient client(proxy.port());
  int passed = 0;
  int refused = 0;
  std::string last;
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(client.send(kGet));
    last = client.read_answer();
    if (status_of(last) == 200) ++passed;
    if (status_of(last) == 429) ++refused;
  }
  EXPECT_GE(passed, 5);
  EXPECT_EQ(passed + refused, 40);
  EXPECT_GT(refused, 0);
  EXPECT_NE(last.find("Retry-After: "), std::string::npos);
}

void raise_descriptor_limit() {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST(ClientBounds, FiveThousandSlowHeadsCostNoHealthyClient) {
  raise_descriptor_limit();
  RecordingApp app;
  const Proxy proxy(app, {"--workers", "2", "--bounds", "head_ms_max=600000"});
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 5000; ++i) {
    slow.push_back(std::make_unique<RawClient>(proxy.port()));
    ASSERT_TRUE(slow.back()->send("GET / HTTP/1.1\r\nHo")) << i;
  }
  for (int i = 0; i < 100; ++i) ASSERT_EQ(status_of(answer_to(proxy.port(), kGetOnce)), 200) << i;
  // And they hold nothing but their connection: each may still finish.
  ASSERT_TRUE(slow.front()->send("st: a\r\n\r\n"));
  EXPECT_EQ(status_of(slow.front()->read_answer()), 200);
}

TEST(ClientBounds, WithoutDescriptorsNewcomersAreRefusedAndThoseHereServed) {
  const TemporaryFolder folder;
  const auto program = folder.path() / "short-of-descriptors";
  std::ofstream(program) << "#!/bin/sh\nulimit -n 256\nexec " ECLUSE_GATEWAY_PROGRAM " \"$@\"\n";
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  RecordingApp app;
  GatewayProcess gateway({"--listen", "127.0.0.1:0", "--to", app.address(), "--workers", "1"},
                         program.string());
  std::vector<std::unique_ptr<RawClient>> here;
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    auto client = std::make_unique<RawClient>(gateway.port());
    const bool is_served = client->send(kGet) && status_of(client->read_answer()) == 200;
    if (is_served) {
      here.push_back(std::move(client));
    } else {
      ++refused;
    }
  }
  EXPECT_GT(here.size(), 50U);
  EXPECT_GT(refused, 50);
  for (const auto& client : here) {
    ASSERT_TRUE(client->send(kGet));
    ASSERT_EQ(status_of(client->read_answer()), 200);
  }
  here.clear();
  EXPECT_TRUE(eventually([&] { return status_of(answer_to(gateway.port(), kGetOnce)) == 200; }));
}

TEST(ClientBounds, AFullPoolKeepsTheNewestConnectionSoThatAPostFindsOne) {
  RecordingApp app;
  const Proxy proxy(
      app, {"--workers", "1", "--bounds", "pool_connections_max=1,unsafe_reuse_ms_max=60000"});
  constexpr std::string_view kPost = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
  for (int i = 0; i < 10; ++i) {
    RawClient client(proxy.port());
    ASSERT_TRUE(client.send(kPost));
    EXPECT_EQ(status_of(client.read_answer()), 200);
  }
  EXPECT_EQ(app.connections(), 1U);
}

}  // namespace
}  // namespace ecluse::gateway
