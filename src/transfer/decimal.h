#pragma once
// Decimal numbers as text: exact, of any length.

#include <optional>
#include <string>
#include <string_view>

namespace ecluse::transfer {

/// sign, digits without leading zeros, and where the point stands: digits * 10^exponent. Zero has
/// no digits and no sign.
struct Decimal {
  bool negative = false;
  std::string digits;
  int exponent = 0;  ///< digits end without zeros
};

/// "-12.50", "1e3"; nothing: not a number, or an exponent beyond +-1000.
std::optional<Decimal> parse_decimal(std::string_view text);

/// With exactly `scale` digits behind the point; nothing when it has more, or more than
/// `precision` - `scale` before it.
std::optional<std::string> fixed_text(const Decimal& number, int precision, int scale);
/// As few digits as it takes, without an exponent.
std::string plain_text(const Decimal& number);
/// One text a value: "-125e-1".
std::string scientific_text(const Decimal& number);

/// The shortest text that reads back as this very double: "0.1", "1e+20", "Infinity".
std::string shortest_text(double number);
std::string shortest_text(float number);

}  // namespace ecluse::transfer
