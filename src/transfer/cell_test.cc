#include "transfer/cell.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "transfer/decimal.h"

namespace ecluse::transfer {
namespace {

using namespace std::string_literals;

ColumnType of(Kind kind, int bytes = 8) {
  return {.kind = kind, .name = "its type", .bytes = bytes};
}
ColumnType numeric(int precision, int scale) {
  return {.kind = Kind::kNumeric, .name = "numeric", .precision = precision, .scale = scale};
}
ColumnType varchar(int length) {
  return {.kind = Kind::kText, .name = "varchar", .length = length};
}
SourceValue text(std::string value) {
  return value;
}
SourceValue whole(std::int64_t value) {
  return value;
}

/// The cell, or "unfit: WHY".
std::string fitted(const SourceValue& value, const ColumnType& type,
                   NulCharacters nuls = NulCharacters::kRefuse) {
  const auto result = fit(value, type, nuls);
  if (const auto* unfit = std::get_if<Unfit>(&result)) return "unfit: " + unfit->what;
  return std::get<Cell>(result).value_or("NULL");
}
bool is_unfit(const SourceValue& value, const ColumnType& type) {
  return fitted(value, type).starts_with("unfit");
}

TEST(Cell, NullFitsEveryTypeAndIsNoEmptyText) {
  EXPECT_EQ(fitted({}, of(Kind::kOther)), "NULL");
  EXPECT_EQ(fitted(text(""), of(Kind::kText)), "");
  EXPECT_TRUE(is_unfit(text(""), of(Kind::kInteger)));
}

TEST(Cell, ABooleanIsOneOfTwo) {
  EXPECT_EQ(fitted(whole(1), of(Kind::kBoolean)), "t");
  EXPECT_EQ(fitted(whole(0), of(Kind::kBoolean)), "f");
  EXPECT_EQ(fitted(text("False"), of(Kind::kBoolean)), "f");
  EXPECT_EQ(fitted(whole(2), of(Kind::kBoolean)), "unfit: 2 is not a boolean: 0 or 1");
}

TEST(Cell, IntegersKeepEveryDigitOrDoNotFit) {
  const auto max = std::numeric_limits<std::int64_t>::max();
  const auto min = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(fitted(whole(max), of(Kind::kInteger)), "9223372036854775807");
  EXPECT_EQ(fitted(whole(min), of(Kind::kInteger)), "-9223372036854775808");
  EXPECT_EQ(fitted(whole(-32768), of(Kind::kInteger, 2)), "-32768");
  EXPECT_TRUE(is_unfit(whole(32768), of(Kind::kInteger, 2)));
  EXPECT_TRUE(is_unfit(whole(2147483648), of(Kind::kInteger, 4)));
  EXPECT_EQ(fitted(3.0, of(Kind::kInteger)), "3");
  EXPECT_TRUE(is_unfit(3.5, of(Kind::kInteger)));
  EXPECT_TRUE(is_unfit(1e18, of(Kind::kInteger)));  // its digits are not all its own
}

TEST(Cell, RealsReadBackAsTheSameReal) {
  EXPECT_EQ(fitted(0.1, of(Kind::kReal)), "0.1");
  EXPECT_EQ(fitted(HUGE_VAL, of(Kind::kReal)), "Infinity");
  EXPECT_TRUE(is_unfit(whole((1LL << 53) + 1), of(Kind::kReal)));
  EXPECT_EQ(fitted(whole(1LL << 53), of(Kind::kReal)), "9007199254740992");
  EXPECT_TRUE(is_unfit(whole(std::numeric_limits<std::int64_t>::max()), of(Kind::kReal)));
  EXPECT_EQ(fitted(0.1, of(Kind::kReal, 4)), "0.1");
  EXPECT_TRUE(is_unfit(0.123456789012, of(Kind::kReal, 4)));
}

TEST(Cell, DecimalsAreExactNeverRounded) {
  EXPECT_EQ(fitted(12.3, numeric(10, 2)), "12.30");
  EXPECT_EQ(fitted(-0.0, numeric(10, 2)), "0.00");
  EXPECT_EQ(fitted(whole(7), numeric(10, 2)), "7.00");
  EXPECT_EQ(fitted(0.1 + 0.2, numeric(10, 2)), "0.30");  // 15 digits, as the app reads it
  EXPECT_EQ(fitted(123456789012.3456, numeric(16, 4)), "123456789012.3456");
  EXPECT_EQ(fitted(12.345, numeric(10, 2)), "unfit: 12.345 has more digits than numeric keeps");
  EXPECT_TRUE(is_unfit(100.0, numeric(4, 2)));
  EXPECT_EQ(fitted(99.99, numeric(4, 2)), "99.99");
  EXPECT_EQ(fitted(text("0.000000000000000000000000000001"), of(Kind::kNumeric)),
            "0.000000000000000000000000000001");
  EXPECT_EQ(fitted(text("12345678901234567890.5"), numeric(21, 1)), "12345678901234567890.5");
  EXPECT_TRUE(is_unfit(text("twelve"), numeric(10, 2)));
  EXPECT_TRUE(is_unfit(HUGE_VAL, numeric(10, 2)));
}

TEST(Cell, TextIsUtf8WithoutNul) {
  EXPECT_EQ(fitted(text("é€😀"), varchar(3)), "é€😀");
  EXPECT_EQ(fitted(text("four"), varchar(3)), "unfit: 4 characters are too many for varchar");
  EXPECT_EQ(fitted(text("\xff"), of(Kind::kText)), "unfit: its bytes are not UTF-8");
  EXPECT_EQ(fitted(text("é\0b"s), of(Kind::kText)),
            "unfit: a NUL character at position 2, which PostgreSQL cannot keep");
  EXPECT_EQ(fitted(text("a\0b\0"s), of(Kind::kText), NulCharacters::kDrop), "ab");
  EXPECT_EQ(fitted(whole(12), of(Kind::kText)), "12");
  EXPECT_TRUE(is_unfit(Blob{"ab"}, of(Kind::kText)));
}

TEST(Cell, BlanksAtTheEndOfAPaddedTextMeanNothing) {
  ColumnType padded{.kind = Kind::kPadded, .name = "character(4)", .length = 4};
  EXPECT_EQ(fitted(text("ab  "), padded), "ab");
  EXPECT_EQ(fitted(text(" ab     "), padded), " ab");
  EXPECT_TRUE(is_unfit(text("abcde"), padded));
}

TEST(Cell, BytesAreHexadecimal) {
  EXPECT_EQ(fitted(Blob{"\0\xff\x10"s}, of(Kind::kBytes)), "\\x00ff10");
  EXPECT_EQ(fitted(Blob{}, of(Kind::kBytes)), "\\x");
  EXPECT_TRUE(is_unfit(whole(1), of(Kind::kBytes)));
}

TEST(Cell, DatesAreDaysOfTheCalendar) {
  EXPECT_EQ(fitted(text("2024-02-29"), of(Kind::kDate)), "2024-02-29");
  EXPECT_EQ(fitted(text("2024-02-29 00:00:00"), of(Kind::kDate)), "2024-02-29");
  for (const char* wrong : {"2023-02-29", "0000-00-00", "2024-13-01", "2024-2-9", "29/02/2024",
                            "2024-02-29 10:00:00", "2024-02-29x", ""})
    EXPECT_TRUE(is_unfit(text(wrong), of(Kind::kDate))) << wrong;
}

TEST(Cell, TimesOfTheDay) {
  EXPECT_EQ(fitted(text("10:20:30.500000"), of(Kind::kTime)), "10:20:30.5");
  EXPECT_EQ(fitted(text("10:20"), of(Kind::kTime)), "10:20:00");
  for (const char* wrong : {"24:00:00", "10:60:00", "10:20:60", "10:20:30.1234567", "10"})
    EXPECT_TRUE(is_unfit(text(wrong), of(Kind::kTime))) << wrong;
}

TEST(Cell, MomentsWithoutAZoneAreUtc) {
  const auto zoned = of(Kind::kTimestampZone);
  EXPECT_EQ(fitted(text("2024-01-02 03:04:05.120000"), zoned), "2024-01-02 03:04:05.12+00");
  EXPECT_EQ(fitted(text("2024-01-01T00:30:00+01:00"), zoned), "2023-12-31 23:30:00+00");
  EXPECT_EQ(fitted(text("2024-12-31 23:30:00-0130"), zoned), "2025-01-01 01:00:00+00");
  EXPECT_EQ(fitted(text("2024-01-02T03:04:05Z"), zoned), "2024-01-02 03:04:05+00");
  EXPECT_EQ(fitted(text("2024-01-02"), zoned), "2024-01-02 00:00:00+00");
  EXPECT_TRUE(is_unfit(text("0001-01-01 00:00:00+01:00"), zoned));  // before year 1
}

TEST(Cell, ALocalMomentTakesNoOffset) {
  const auto local = of(Kind::kTimestamp);
  EXPECT_EQ(fitted(text("2024-01-02 03:04:05"), local), "2024-01-02 03:04:05");
  EXPECT_EQ(fitted(text("2024-01-02 03:04:05+00:00"), local), "2024-01-02 03:04:05");
  EXPECT_TRUE(is_unfit(text("2024-01-02 03:04:05+02:00"), local));
}

TEST(Cell, AFractionThatTheColumnWouldCutDoesNotFit) {
  ColumnType coarse{.kind = Kind::kTimestamp, .name = "timestamp(3)", .fraction = 3};
  EXPECT_EQ(fitted(text("2024-01-02 03:04:05.678000"), coarse), "2024-01-02 03:04:05.678");
  EXPECT_TRUE(is_unfit(text("2024-01-02 03:04:05.678901"), coarse));
}

TEST(Cell, IntegersAreMillisecondsWhereTheyCannotBeSeconds) {
  const auto zoned = of(Kind::kTimestampZone);
  EXPECT_EQ(fitted(whole(1'704'164'645'123), zoned), "2024-01-02 03:04:05.123+00");
  EXPECT_EQ(fitted(whole(1'704'164'645), zoned),
            "unfit: 1704164645 may be seconds or milliseconds");
  EXPECT_TRUE(is_unfit(whole(std::numeric_limits<std::int64_t>::min()), zoned));
}

TEST(Cell, IntervalsAreMicroseconds) {
  const auto interval = of(Kind::kInterval);
  EXPECT_EQ(fitted(whole(-3'723'500'000), interval), "-01:02:03.5");
  EXPECT_EQ(fitted(whole(360'000'000'000), interval), "100:00:00");
  EXPECT_EQ(fitted(whole(std::numeric_limits<std::int64_t>::min()), interval),
            "-2562047788:00:54.775808");
}

TEST(Cell, UuidsInTheirThreeForms) {
  const auto uuid = of(Kind::kUuid);
  const std::string same = "00112233-4455-6677-8899-aabbccddeeff";
  EXPECT_EQ(fitted(text("00112233445566778899AABBCCDDEEFF"), uuid), same);
  EXPECT_EQ(fitted(text(same), uuid), same);
  EXPECT_EQ(fitted(Blob{"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"s}, uuid),
            same);
  EXPECT_TRUE(is_unfit(text("0011"), uuid));
}

TEST(Cell, JsonIsJson) {
  const auto jsonb = of(Kind::kJsonb);
  EXPECT_EQ(fitted(text("{\"b\": 1, \"a\": [1.0]}"), jsonb), "{\"b\": 1, \"a\": [1.0]}");
  EXPECT_TRUE(is_unfit(text("{\"a\": NaN}"), jsonb));
  EXPECT_TRUE(is_unfit(text(""), jsonb));
  EXPECT_TRUE(is_unfit(text("\"\\u0000\""), jsonb));
  EXPECT_FALSE(is_unfit(text("\"\\u0000\""), of(Kind::kJson)));
  EXPECT_TRUE(is_unfit(text(std::string(5000, '[') + std::string(5000, ']')), jsonb));
}

TEST(Cell, JsonOfEqualMeaningIsEqual) {
  const auto jsonb = of(Kind::kJsonb);
  EXPECT_EQ(canonical(R"({"b": 1e2, "a": 1, "a": 2})", jsonb),
            canonical(R"({"a": 2, "b": 100})", jsonb));
  EXPECT_EQ(canonical("12345678901234567890123", jsonb),
            canonical("1.2345678901234567890123e22", jsonb));
  EXPECT_NE(canonical("12345678901234567890123", jsonb),
            canonical("12345678901234567890124", jsonb));
  EXPECT_NE(canonical("\"1\"", jsonb), canonical("1", jsonb));
}

TEST(Cell, AddressesHaveOneSpelling) {
  const auto inet = of(Kind::kInet);
  EXPECT_EQ(fitted(text("2001:DB8:0:0::1"), inet), "2001:db8::1");
  EXPECT_EQ(fitted(text("10.0.0.1"), inet), "10.0.0.1");
  EXPECT_TRUE(is_unfit(text("10.0.0.256"), inet));
}

TEST(Cell, AnEnumHasItsLabelsAlone) {
  ColumnType mood{.kind = Kind::kEnum, .name = "mood", .labels = {"sad", "glad"}};
  EXPECT_EQ(fitted(text("sad"), mood), "sad");
  EXPECT_EQ(fitted(text("mad"), mood), "unfit: 'mad' is none of mood: sad, glad");
}

TEST(Cell, WhatPostgreSqlWritesReadsAsWhatWasSent) {
  EXPECT_EQ(canonical("1e+20", of(Kind::kReal)), shortest_text(1e20));
  EXPECT_EQ(canonical("100000", of(Kind::kReal)), shortest_text(1e5));
  EXPECT_EQ(canonical("12.50", of(Kind::kNumeric)), "12.5");
  EXPECT_EQ(canonical("12.50", numeric(4, 2)), "12.50");
}

RC_GTEST_PROP(Cell, EveryRealOfAColumnWithItsScaleComesBackAsItself, ()) {
  const auto cents = *rc::gen::inRange<std::int64_t>(-99'999'999'999, 99'999'999'999);
  const auto value = static_cast<double>(cents) / 100;
  const auto cell = fitted(value, numeric(12, 2));
  RC_ASSERT(std::strtod(cell.c_str(), nullptr) == value);
  RC_ASSERT(cell.size() - cell.find('.') == 3u);
}

RC_GTEST_PROP(Cell, WhateverATextHoldsEachTypeTakesItInOneSpellingOrSaysNo, (std::string value)) {
  constexpr std::array kKinds = {
      Kind::kBoolean,  Kind::kInteger,       Kind::kReal, Kind::kNumeric, Kind::kText,
      Kind::kPadded,   Kind::kBytes,         Kind::kDate, Kind::kTime,    Kind::kTimestamp,
      Kind::kInterval, Kind::kTimestampZone, Kind::kUuid, Kind::kJson,    Kind::kJsonb,
      Kind::kInet,     Kind::kEnum,          Kind::kOther};
  for (const auto kind : kKinds) {
    const auto result = fit(SourceValue(value), of(kind), NulCharacters::kDrop);
    const auto* cell = std::get_if<Cell>(&result);
    if (cell == nullptr) {
      const auto& unfit = std::get<Unfit>(result);
      RC_ASSERT(!unfit.what.empty() && !unfit.fix.empty());
      continue;
    }
    RC_ASSERT(cell->has_value());
    const auto once = canonical(**cell, of(kind));
    RC_ASSERT(kind == Kind::kJsonb || canonical(once, of(kind)) == once);
  }
}

}  // namespace
}  // namespace ecluse::transfer
