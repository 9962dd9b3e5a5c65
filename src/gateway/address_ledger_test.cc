#include "gateway/address_ledger.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace ecluse::gateway {
namespace {

std::uint64_t key(const char* text) {
  in6_addr address{};
  EXPECT_EQ(::inet_pton(AF_INET6, text, &address), 1);
  return ledger_key(address);
}

TEST(AddressLedger, CountsConnectionsOfOneAddressApartFromOthers) {
  AddressLedger ledger;
  const auto one = key("::ffff:10.0.0.1");
  const auto other = key("::ffff:10.0.0.2");
  EXPECT_TRUE(ledger.open(one, 2, 0));
  EXPECT_TRUE(ledger.open(one, 2, 0));
  EXPECT_FALSE(ledger.open(one, 2, 0));
  EXPECT_TRUE(ledger.open(other, 2, 0));
  ledger.close(one);
  EXPECT_TRUE(ledger.open(one, 2, 0));
}

TEST(AddressLedger, ForgetsWhoHasNothing) {
  AddressLedger ledger;
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    ASSERT_TRUE(ledger.open(i, 1, 0));
    ledger.close(i);
  }
  EXPECT_EQ(ledger.size(), 0U);
}

TEST(AddressLedger, StaysBoundedUnderAFloodOfAddresses) {
  AddressLedger ledger;
  Millis now = 1;
  for (std::uint64_t i = 1; i <= 2 * AddressLedger::kEntriesMax; ++i) {
    ledger.request(i, 10, now += 1);
  }
  EXPECT_LE(ledger.size(), AddressLedger::kEntriesMax);
}

TEST(AddressLedger, ABurstOfOneSecondPassesAndThenTheRate) {
  AddressLedger ledger;
  int passed = 0;
  for (int i = 0; i < 100; ++i) passed += ledger.request(7, 10, 5000) ? 1 : 0;
  EXPECT_EQ(passed, 10);
  EXPECT_FALSE(ledger.request(7, 10, 5099));
  EXPECT_TRUE(ledger.request(7, 10, 5100));
  EXPECT_FALSE(ledger.request(7, 10, 5100));
  EXPECT_TRUE(ledger.request(8, 10, 5100));
}

TEST(AddressLedger, AnIpv6NetworkIsOneClient) {
  EXPECT_EQ(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
  EXPECT_NE(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
  EXPECT_NE(key("::ffff:10.0.0.1"), key("::ffff:10.0.0.2"));
}

}  // namespace
}  // namespace ecluse::gateway
