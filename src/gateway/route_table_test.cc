#include "gateway/route_table.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace ecluse::gateway {

namespace {
in6_addr address(const std::string& text) {
  in6_addr parsed{};
  const std::string mapped = text.find(':') == std::string::npos ? "::ffff:" + text : text;
  EXPECT_EQ(::inet_pton(AF_INET6, mapped.c_str(), &parsed), 1);
  return parsed;
}

RouteTable::Entry entry(std::vector<std::string> hosts, const std::string& name) {
  auto site = std::make_shared<SiteRoute>();
  site->name = name;
  return {std::move(hosts), {}, {}, std::move(site)};
}

std::string name_at(const RouteTable& table, std::string_view host) {
  const SiteRoute* const site = table.find(host, 80);
  return site == nullptr ? "none" : site->name;
}
}  // namespace

TEST(AddressBlock, ContainsWhatItCovers) {
  EXPECT_TRUE(parse_address_block("10.0.0.0/8")->contains(address("10.255.1.2")));
  EXPECT_FALSE(parse_address_block("10.0.0.0/8")->contains(address("11.0.0.1")));
  EXPECT_TRUE(parse_address_block("192.168.1.128/25")->contains(address("192.168.1.200")));
  EXPECT_FALSE(parse_address_block("192.168.1.128/25")->contains(address("192.168.1.100")));
  EXPECT_TRUE(parse_address_block("127.0.0.1")->contains(address("127.0.0.1")));
  EXPECT_TRUE(parse_address_block("0.0.0.0/0")->contains(address("8.8.8.8")));
  EXPECT_FALSE(parse_address_block("0.0.0.0/0")->contains(address("2001:db8::1")));
  EXPECT_TRUE(parse_address_block("2001:db8::/33")->contains(address("2001:db8:7fff::1")));
  EXPECT_FALSE(parse_address_block("2001:db8::/33")->contains(address("2001:db8:8000::1")));
}

TEST(AddressBlock, IsNothingElse) {
  for (const char* const text :
       {"", "10.0.0.0/33", "::/129", "10.0.0/8", "a", "1.2.3.4/", "1.2.3.4/-1"}) {
    EXPECT_FALSE(parse_address_block(text)) << text;
  }
}

TEST(Websockets, AreOpenedBelowTheirPrefixesAndNowhereElse) {
  BackendRoute backend;
  EXPECT_FALSE(backend.allows_websocket("/"));
  backend.websockets = {"/ws", "/socket.io/"};
  for (const char* const path : {"/ws", "/ws/", "/ws/a", "/ws?a=/../b", "/socket.io/?EIO=4"}) {
    EXPECT_TRUE(backend.allows_websocket(path)) << path;
  }
  for (const char* const path : {"/", "/w", "/wsx", "//ws", "/a/ws", "/socket.io", "/WS", "*",
                                 "/ws/../admin", "/ws/%2e%2e/admin", "/ws/.%2E/admin"}) {
    EXPECT_FALSE(backend.allows_websocket(path)) << path;
  }
  backend.websockets = {"/"};
  EXPECT_TRUE(backend.allows_websocket("/ws/../admin"));
}

TEST(Cohorts, AreDrawnByTheMacOfTheIdUnderTheSalt) {
  TargetIds ids;
  const auto made = make_entry({.key = {"a", "prod"}, .cohort_salt = "one"}, ids, {});
  ASSERT_TRUE(made);
  // KEY=$(printf one | b2sum -l 128); openssl mac -macopt hexkey:$KEY -macopt size:8 -in ID
  // SIPHASH, read as a little-endian number, times a million, shifted right by 64
  EXPECT_EQ(made->route->cohort_point("00000000000000000000000000000000"), 683'915U);
  EXPECT_EQ(made->route->cohort_point("0123456789abcdef0123456789abcdef"), 48'102U);
}

TEST(RouteTable, AnExactHostBeatsAWildcardAndTheLongestWildcardWins) {
  const std::vector<RouteTable::Entry> entries{entry({"*.b"}, "wide"), entry({"*.a.b"}, "narrow"),
                                               entry({"x.a.b"}, "exact")};
  const RouteTable table(entries);
  EXPECT_EQ(name_at(table, "x.a.b"), "exact");
  EXPECT_EQ(name_at(table, "y.a.b"), "narrow");
  EXPECT_EQ(name_at(table, "y.c.b"), "wide");
  EXPECT_EQ(name_at(table, "b"), "none");
  EXPECT_EQ(name_at(table, ""), "none");
}

TEST(ArmAt, GivesEachArmItsShareAndNoneToWeightZero) {
  SiteRoute site;
  site.arms = {{.release = 8, .weight_ppm = 0},
               {.release = 7, .weight_ppm = 250'000},
               {.release = 6, .weight_ppm = 750'000}};
  EXPECT_EQ(site.arm_at(0)->release, 7U);
  EXPECT_EQ(site.arm_at(249'999)->release, 7U);
  EXPECT_EQ(site.arm_at(250'000)->release, 6U);
  EXPECT_EQ(site.arm_at(999'999)->release, 6U);
  site.arms[1].weight_ppm = site.arms[2].weight_ppm = 0;
  EXPECT_EQ(site.arm_at(0), nullptr);
}

TEST(ArmRoute, TakesTheLongestPrefixThatEndsWithASegment) {
  ArmRoute arm;
  arm.backends = {{.prefixes = {"/"}}, {.prefixes = {"/api", "/v2/"}}, {.prefixes = {"/api/deep"}}};
  const auto index = [&](std::string_view path) {
    const BackendRoute* const found = arm.backend_for(path);
    return found == nullptr ? -1 : static_cast<int>(found - arm.backends.data());
  };
  EXPECT_EQ(index("/"), 0);
  EXPECT_EQ(index("/api"), 1);
  EXPECT_EQ(index("/api?x"), 1);
  EXPECT_EQ(index("/apix"), 0);
  EXPECT_EQ(index("/v2/x"), 1);
  EXPECT_EQ(index("/api/deep/er"), 2);
  EXPECT_EQ(index("*"), 0);
  arm.backends = {{.prefixes = {"/api"}}};
  EXPECT_EQ(index("/"), -1);
}

}  // namespace ecluse::gateway
