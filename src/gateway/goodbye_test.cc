#include "gateway/goodbye.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "gateway/testing_sites.h"

namespace ecluse::gateway {
namespace {

using namespace testing;

TEST(Goodbye, ComesAfterTheBudgetAndSpreadOverATenthOfIt) {
  Prng prng(7);
  std::array<int, 10> tenths{};
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t after = goodbye_after_ms(5000, prng);
    ASSERT_GE(after, 5000U);
    ASSERT_LE(after, 5500U);
    ++tenths.at(std::min<std::uint64_t>((after - 5000) / 50, 9));
  }
  for (const int count : tenths) EXPECT_GT(count, 60);
}

TEST(Goodbye, IsSpreadNoLongerThanItsBound) {
  Prng prng(7);
  std::uint64_t latest = 0;
  for (int i = 0; i < 1000; ++i) latest = std::max(latest, goodbye_after_ms(3'600'000, prng));
  EXPECT_LE(latest, 3'600'000 + kGoodbyeSpreadMsMax);
  EXPECT_GT(latest, 3'600'000 + kGoodbyeSpreadMsMax * 9 / 10);
  EXPECT_EQ(goodbye_after_ms(0, prng), 0U);
}

void keep_open(RecordingApp::Peer& peer) {
  if (peer.read_request().empty()) return;
  peer.send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  while (!peer.read_some().empty()) continue;
}

constexpr int kSockets = 20;

/// Milliseconds between the first and the last of many WebSockets that hear of the end which
/// `leave` brings about; each must hear 1012.
std::int64_t spread_of_goodbyes(const Served& served, const std::function<void()>& leave) {
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < kSockets; ++i) {
    clients.push_back(std::make_unique<RawClient>(served.port()));
    clients.back()->send(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    EXPECT_EQ(status_of(clients.back()->take_through("\r\n\r\n")), 101);
  }
  leave();
  using Clock = std::chrono::steady_clock;
  std::array<Clock::time_point, kSockets> heard;
  std::vector<std::thread> threads;
  for (int i = 0; i < kSockets; ++i) {
    threads.emplace_back([&clients, &heard, i] {
      EXPECT_EQ(clients[i]->read_to_end(), std::string("\x88\x02\x03\xf4", 4));
      heard[i] = Clock::now();
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto [first, last] = std::ranges::minmax(heard);
  return std::chrono::duration_cast<std::chrono::milliseconds>(last - first).count();
}

/// Of twenty draws from 200 ms, all within 40 ms: once in 10^12.
constexpr std::int64_t kSpreadMsMin = 40;

TEST(Goodbye, OfADrainedReleaseIsSpread) {
  RecordingApp app(keep_open);
  Served served;
  Decisions decisions;
  ASSERT_TRUE(served.traffic.apply(site({arm(1, kAll, app)}), decisions.next()));
  const auto drain = [&] { ASSERT_TRUE(served.traffic.drain(kKey, 1, Duration(2000))); };
  EXPECT_GE(spread_of_goodbyes(served, drain), kSpreadMsMin);
}

TEST(Goodbye, OfAGatewayThatEndsIsSpread) {
  RecordingApp app(keep_open);
  Served served({"--bounds", "drain_ms_max=4000"});
  Decisions decisions;
  ASSERT_TRUE(served.traffic.apply(site({arm(1, kAll, app)}), decisions.next()));
  const auto end = [&] { ASSERT_EQ(::kill(served.gateway->pid(), SIGTERM), 0); };
  EXPECT_GE(spread_of_goodbyes(served, end), kSpreadMsMin);
}

TEST(Goodbye, OfAProcessThatAnUpgradeReplacedIsSpread) {
  RecordingApp app(keep_open);
  Served served({"--bounds", "hand_over_ms_max=4000"});
  Decisions decisions;
  ASSERT_TRUE(served.traffic.apply(site({arm(1, kAll, app)}), decisions.next()));
  const auto upgrade = [&] { ASSERT_EQ(::kill(served.gateway->pid(), SIGUSR2), 0); };
  EXPECT_GE(spread_of_goodbyes(served, upgrade), kSpreadMsMin);
}

}  // namespace
}  // namespace ecluse::gateway
