#include "gateway/host_index.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace ecluse::gateway {
namespace {

TEST(HostIndex, FindsEachOfManyAndNothingElse) {
  constexpr std::uint32_t kHosts = 10'000;
  HostIndex index;
  for (std::uint32_t i = 0; i < kHosts; ++i) index.add(fmt::format("host-{}.example", i), i);
  EXPECT_EQ(index.size(), kHosts);
  for (std::uint32_t i = 0; i < kHosts; ++i) {
    EXPECT_EQ(index.find(fmt::format("host-{}.example", i)), i);
    EXPECT_EQ(index.find(fmt::format("host-{}.exampl", i)), std::nullopt);
  }
}

TEST(HostIndex, AHostKeepsItsFirstNumber) {
  HostIndex index;
  index.add("a.example", 1);
  index.add("a.example", 2);
  EXPECT_EQ(index.find("a.example"), 1U);
  EXPECT_EQ(index.size(), 1U);
}

TEST(HostIndex, AnEmptyNameIsNowhere) {
  HostIndex index;
  EXPECT_EQ(index.find(""), std::nullopt);
  EXPECT_EQ(index.find("a"), std::nullopt);
  index.add("", 1);
  EXPECT_EQ(index.find(""), std::nullopt);
}

}  // namespace
}  // namespace ecluse::gateway
