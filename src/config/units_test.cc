#include "config/units.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace ecluse::config {
namespace {

using namespace std::chrono_literals;

TEST(Durations, AreReadAsPeopleWriteThem) {
  EXPECT_EQ(parse_duration("90s"), 90s);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("1h 30m"), 90min);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("2w"), 24h * 14);
}

TEST(Durations, WithoutUnitOutOfOrderOrEndlessAreRefused) {
  for (const char* text :
       {"", " ", "5", "m", "5 m", "-5m", "5m 1h", "5m 5m", "1e3s", "05m", "0.0001s", "99999999w",
        "18446744073709551616ms", "5M", "1h30m", "1..5s"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(Sizes, AreDecimalOrBinaryAsTheirUnitSays) {
  EXPECT_EQ(parse_size("512MB"), 512'000'000u);
  EXPECT_EQ(parse_size("1GiB"), 1u << 30);
  EXPECT_EQ(parse_size("1.5GiB"), 3u << 29);
  EXPECT_EQ(parse_size("0B"), 0u);
}

TEST(Sizes, OfUnknownUnitsOrPartsOfAByteAreRefused) {
  for (const char* text : {"", "5", "512M", "1GB ", "0.5B", "-1MB", "1,5GB", "99999999TiB"})
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
}

TEST(Shares, ArePercentOrAFraction) {
  EXPECT_EQ(parse_share("10%"), 0.1);
  EXPECT_EQ(parse_share("0.1"), 0.1);
  EXPECT_EQ(parse_share("100%"), 1.0);
  for (const char* text : {"", "%", "101%", "5", "-1%", ".5", "1.", "5 %", "0.1.2"})
    EXPECT_EQ(parse_share(text), std::nullopt) << text;
}

RC_GTEST_PROP(Durations, WrittenReadBackAsTheSame, ()) {
  const Duration d{*rc::gen::inRange<std::int64_t>(0, kDurationMax.count() + 1)};
  RC_ASSERT(parse_duration(to_string(d)) == d);
}

RC_GTEST_PROP(Sizes, WrittenReadBackAsTheSame, ()) {
  const auto bytes = *rc::gen::inRange<std::uint64_t>(0, kSizeBytesMax + 1);
  RC_ASSERT(parse_size(write_size(bytes)) == bytes);
}

RC_GTEST_PROP(Shares, WrittenReadBackAsTheSame, ()) {
  const auto millionths = *rc::gen::inRange(0, 1'000'001);
  const auto text = fmt::format("{:.6f}", millionths / 1e6);
  const auto share = parse_share(text);
  RC_ASSERT(share.has_value());
  RC_ASSERT(parse_share(write_share(*share)) == share);
  const auto percent = parse_share(fmt::format("{:.4f}%", millionths / 1e4));
  RC_ASSERT(percent.has_value());
  RC_ASSERT(parse_share(write_share(*percent)) == percent);
}

RC_GTEST_PROP(Units, NeverChokeOnAnyText, (const std::string& text)) {
  (void)parse_duration(text);  // what is asked here is that a sanitizer has nothing to say
  (void)parse_size(text);
  const auto share = parse_share(text);
  RC_ASSERT(share.value_or(0) >= 0);
  RC_ASSERT(share.value_or(0) <= 1);
}

}  // namespace
}  // namespace ecluse::config
