#include "transfer/cell.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "transfer/calendar.h"
#include "transfer/decimal.h"
#include "transfer/json_meaning.h"

namespace ecluse::transfer {

namespace {
using Fitted = std::variant<Cell, Unfit>;

/// PostgreSQL's own limit of a field is 1 GB; bytes take two characters each on their way.
constexpr std::size_t kCellBytesMax = 256 << 20;
constexpr std::size_t kShownMax = 40;
constexpr const char* kCorrectIt = "correct it in a copy of the file, and move that";

Unfit unfit(std::string what, std::string fix = kCorrectIt) {
  return {std::move(what), std::move(fix)};
}

/// A value as people recognise it; never more than its beginning.
std::string shown(const SourceValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* real = std::get_if<double>(&value)) return shortest_text(*real);
  if (const auto* text = std::get_if<std::string>(&value))
    return text->empty() ? "an empty text" : fmt::format("'{}'", printable(*text, kShownMax));
  if (const auto* blob = std::get_if<Blob>(&value))
    return fmt::format("{} bytes", blob->bytes.size());
  return "NULL";
}

Unfit not_a(const char* what, const SourceValue& value) {
  return unfit(fmt::format("{} is not {}", shown(value), what));
}

const std::string* text_of(const SourceValue& value) {
  return std::get_if<std::string>(&value);
}

Fitted boolean(const SourceValue& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number != nullptr && (*number == 0 || *number == 1)) return *number == 1 ? "t" : "f";
  if (const auto* text = text_of(value)) {
    std::string word = *text;
    std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::tolower(c); });
    if (word == "true" || word == "t" || word == "1") return "t";
    if (word == "false" || word == "f" || word == "0") return "f";
  }
  return not_a("a boolean: 0 or 1", value);
}

Fitted integer(const SourceValue& value, const ColumnType& type) {
  std::optional<std::int64_t> number;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) number = *whole;
  constexpr double kExact = 9007199254740992.0;  // 2^53: every whole number up to it is a double
  if (const auto* real = std::get_if<double>(&value))
    if (std::trunc(*real) == *real && std::abs(*real) <= kExact)
      number = static_cast<std::int64_t>(*real);
  if (!number) return not_a("a whole number", value);
  const auto max = std::numeric_limits<std::int64_t>::max() >> (64 - 8 * type.bytes);
  if (*number > max || *number < -max - 1)
    return unfit(fmt::format("{} is too large for {}", *number, type.name),
                 "make the column a bigint by a migration, or correct the value");
  return std::to_string(*number);
}

Fitted real(const SourceValue& value, const ColumnType& type) {
  std::optional<double> number;
  if (const auto* given = std::get_if<double>(&value)) number = *given;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    number = static_cast<double>(*whole);
    // 2^63 itself is no int64: comparing the numbers as reals keeps the cast defined.
    if (*number >= 0x1p63 || static_cast<std::int64_t>(*number) != *whole)
      return unfit(fmt::format("{} has more digits than {} keeps", *whole, type.name));
  }
  if (!number) return not_a("a number", value);
  auto text = shortest_text(*number);
  if (type.bytes == 4 && shortest_text(static_cast<float>(*number)) != text)
    return unfit(fmt::format("{} has more digits than {} keeps", text, type.name),
                 "make the column a double precision by a migration");
  return text;
}

/// The decimal of `scale` digits that reads back as this very double, or the 15 digits that SQLite
/// and Django read.
std::optional<Decimal> decimal_of(double number, const ColumnType& type) {
  std::array<char, 1400> text{};
  if (type.precision) {
    snprintf(text.data(), text.size(), "%.*f", std::max(0, type.scale), number);
    if (std::strtod(text.data(), nullptr) == number) return parse_decimal(text.data());
    snprintf(text.data(), text.size(), "%.15g", number);
    return parse_decimal(text.data());
  }
  return parse_decimal(shortest_text(number));
}

Fitted numeric(const SourceValue& value, const ColumnType& type) {
  std::optional<Decimal> number;
  if (const auto* whole = std::get_if<std::int64_t>(&value))
    number = parse_decimal(std::to_string(*whole));
  if (const auto* given = std::get_if<double>(&value); given != nullptr && std::isfinite(*given))
    number = decimal_of(*given, type);
  if (const auto* text = text_of(value)) number = parse_decimal(*text);
  if (!number) return not_a("a decimal number", value);
  if (!type.precision) return plain_text(*number);
  auto text = fixed_text(*number, *type.precision, type.scale);
  if (text) return *text;
  return unfit(fmt::format("{} has more digits than {} keeps", plain_text(*number), type.name));
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}

/// UTF-8 without NUL, which is what PostgreSQL calls text.
Fitted storable(std::string text, NulCharacters nuls) {
  if (!is_valid_utf8(text)) return unfit("its bytes are not UTF-8");
  const auto nul = text.find('\0');
  if (nul == std::string::npos) return text;
  if (nuls == NulCharacters::kRefuse)
    return unfit(fmt::format("a NUL character at position {}, which PostgreSQL cannot keep",
                             characters(std::string_view(text).substr(0, nul)) + 1),
                 "--drop-nul leaves such characters out");
  std::erase(text, '\0');
  return text;
}

Fitted text(const SourceValue& value, const ColumnType& type, NulCharacters nuls) {
  const auto* given = text_of(value);
  const auto* whole = std::get_if<std::int64_t>(&value);
  if (given == nullptr && whole == nullptr) return not_a("text", value);
  auto fitted = storable(given != nullptr ? *given : std::to_string(*whole), nuls);
  auto* cell = std::get_if<Cell>(&fitted);
  if (cell == nullptr) return fitted;
  if (type.kind == Kind::kPadded) (*cell)->erase((*cell)->find_last_not_of(' ') + 1);
  const auto size = characters(**cell);
  if (!type.length || size <= static_cast<std::size_t>(*type.length)) return fitted;
  return unfit(fmt::format("{} characters are too many for {}", size, type.name),
               "make the column longer by a migration, or shorten the text in a copy of the file");
}

Fitted bytes(const SourceValue& value) {
  const auto* blob = std::get_if<Blob>(&value);
  const auto* given = text_of(value);
  if (blob == nullptr && given == nullptr) return not_a("bytes", value);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\\x";
  for (const unsigned char c : blob != nullptr ? blob->bytes : *given) {
    out += kHex[c >> 4];
    out += kHex[c & 15];
  }
  return out;
}

Fitted moment(const SourceValue& value, const ColumnType& type) {
  const bool zoned = type.kind == Kind::kTimestampZone;
  const auto zone = zoned ? Zone::kUtc : Zone::kNone;
  std::optional<std::string> found;
  if (const auto* given = text_of(value)) {
    if (type.kind == Kind::kDate) found = date_text(*given);
    if (type.kind == Kind::kTime) found = time_text(*given, type.fraction);
    if (type.kind == Kind::kTimestamp || zoned) found = timestamp_text(*given, zone, type.fraction);
  }
  const auto* whole = std::get_if<std::int64_t>(&value);
  // As seconds this would be later than the year 5138.
  constexpr std::int64_t kSurelyMilliseconds = 100'000'000'000;
  if (whole != nullptr && (type.kind == Kind::kTimestamp || zoned)) {
    if (*whole > -kSurelyMilliseconds && *whole < kSurelyMilliseconds)
      return unfit(fmt::format("{} may be seconds or milliseconds", *whole));
    if (type.fraction >= 3 || *whole % 1000 == 0) found = timestamp_text(*whole, zone);
  }
  if (found) return *found;
  return unfit(fmt::format("{} is not a {}", shown(value), type.name));
}

Fitted interval(const SourceValue& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return interval_text(*whole);
  return not_a("an interval in microseconds", value);
}

Fitted uuid(const SourceValue& value) {
  std::string hex;
  if (const auto* given = text_of(value)) hex = *given;
  if (const auto* blob = std::get_if<Blob>(&value); blob != nullptr && blob->bytes.size() == 16)
    for (const unsigned char c : blob->bytes) hex += fmt::format("{:02x}", c);
  std::erase(hex, '-');
  std::ranges::transform(hex, hex.begin(), [](unsigned char c) { return std::tolower(c); });
  if (hex.size() != 32 || hex.find_first_not_of("0123456789abcdef") != std::string::npos)
    return not_a("a UUID", value);
  for (const std::size_t at : {8u, 13u, 18u, 23u}) hex.insert(at, "-");
  return hex;
}

Fitted document(const SourceValue& value, const ColumnType& type) {
  const auto* given = text_of(value);
  const auto meaning = given == nullptr ? std::nullopt : json_meaning(*given);
  if (!meaning) return not_a("JSON", value);
  if (type.kind == Kind::kJson) return *given;
  if (meaning->holds_nul) return unfit("a NUL character (\\u0000) in it, which jsonb cannot keep");
  return *given;
}

/// As PostgreSQL writes an address without a mask: lower case, the longest run of zeros as "::".
std::optional<std::string> address_text(const std::string& text) {
  std::array<unsigned char, 16> binary{};
  std::array<char, INET6_ADDRSTRLEN> out{};
  for (const int family : {AF_INET, AF_INET6})
    if (inet_pton(family, text.c_str(), binary.data()) == 1)
      return inet_ntop(family, binary.data(), out.data(), out.size());
  return std::nullopt;
}

Fitted address(const SourceValue& value) {
  const auto* given = text_of(value);
  const auto found = given == nullptr ? std::nullopt : address_text(*given);
  return found ? Fitted(*found) : Fitted(not_a("an IP address", value));
}

Fitted label(const SourceValue& value, const ColumnType& type) {
  const auto* given = text_of(value);
  if (given != nullptr && std::ranges::find(type.labels, *given) != type.labels.end())
    return *given;
  return unfit(
      fmt::format("{} is none of {}: {}", shown(value), type.name, join(type.labels, ", ")));
}

std::size_t size_of(const SourceValue& value) {
  if (const auto* given = text_of(value)) return given->size();
  const auto* blob = std::get_if<Blob>(&value);
  return blob != nullptr ? blob->bytes.size() : 0;
}
}  // namespace

Fitted fit(const SourceValue& value, const ColumnType& type, NulCharacters nuls) {
  if (std::holds_alternative<std::monostate>(value)) return Cell{};
  if (size_of(value) > kCellBytesMax)
    return unfit(
        fmt::format("{} bytes are more than the {} that are moved", size_of(value), kCellBytesMax));
  switch (type.kind) {
    case Kind::kBoolean:
      return boolean(value);
    case Kind::kInteger:
      return integer(value, type);
    case Kind::kReal:
      return real(value, type);
    case Kind::kNumeric:
      return numeric(value, type);
    case Kind::kText:
    case Kind::kPadded:
      return text(value, type, nuls);
    case Kind::kBytes:
      return bytes(value);
    case Kind::kDate:
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kTimestampZone:
      return moment(value, type);
    case Kind::kInterval:
      return interval(value);
    case Kind::kUuid:
      return uuid(value);
    case Kind::kJson:
    case Kind::kJsonb:
      return document(value, type);
    case Kind::kInet:
      return address(value);
    case Kind::kEnum:
      return label(value, type);
    case Kind::kOther:
      break;
  }
  return unfit(fmt::format("nothing of SQLite is converted to {}", type.name),
               "leave the column out: --without TABLE.COLUMN");
}

std::string canonical(std::string text, const ColumnType& type) {
  if (type.kind == Kind::kReal) {
    if (type.bytes == 4) return shortest_text(std::strtof(text.c_str(), nullptr));
    return shortest_text(std::strtod(text.c_str(), nullptr));
  }
  if (type.kind == Kind::kNumeric && !type.precision) {
    const auto number = parse_decimal(text);
    return number ? plain_text(*number) : text;
  }
  if (type.kind == Kind::kJsonb) {
    auto meaning = json_meaning(text);
    return meaning ? std::move(meaning->text) : text;
  }
  if (type.kind == Kind::kInet) return address_text(text).value_or(text);
  return text;
}

}  // namespace ecluse::transfer
