#include "transfer/decimal.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace ecluse::transfer {

namespace {
constexpr int kExponentMax = 1000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Zeros at both ends say nothing.
void tidy(Decimal& number) {
  const auto first = number.digits.find_first_not_of('0');
  number.digits.erase(0, first == std::string::npos ? number.digits.size() : first);
  while (!number.digits.empty() && number.digits.back() == '0') {
    number.digits.pop_back();
    ++number.exponent;
  }
  if (number.digits.empty()) number = {};
}

/// The exponent behind "e", from `at` on.
std::optional<int> exponent_in(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  int value = 0;
  const auto* const end = text.data() + text.size();
  const auto [last, code] = std::from_chars(text.data(), end, value);
  const bool whole = code == std::errc{} && last == end && !text.empty();
  return whole && std::abs(value) <= kExponentMax ? std::optional(value) : std::nullopt;
}

/// Digits and the place of the point, as many zeros put in as that takes.
std::string placed(const Decimal& number) {
  auto digits = number.digits;
  const auto behind = static_cast<std::size_t>(std::max(0, -number.exponent));
  digits.append(static_cast<std::size_t>(std::max(0, number.exponent)), '0');
  if (digits.size() <= behind) digits.insert(0, behind + 1 - digits.size(), '0');
  if (behind > 0) digits.insert(digits.size() - behind, ".");
  return (number.negative ? "-" : "") + digits;
}

template <typename Real>
std::string shortest(Real number) {
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}
}  // namespace

std::optional<Decimal> parse_decimal(std::string_view text) {
  text = trim(text);
  Decimal number;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    number.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  bool point = false;
  std::size_t at = 0;
  for (; at < text.size() && (is_digit(text[at]) || (text[at] == '.' && !point)); ++at) {
    if (text[at] == '.') {
      point = true;
      continue;
    }
    number.digits += text[at];
    number.exponent -= point ? 1 : 0;
  }
  if (number.digits.empty()) return std::nullopt;
  if (at < text.size()) {
    if (text[at] != 'e' && text[at] != 'E') return std::nullopt;
    const auto exponent = exponent_in(text.substr(at + 1));
    if (!exponent) return std::nullopt;
    number.exponent += *exponent;
  }
  tidy(number);
  return number;
}

std::optional<std::string> fixed_text(const Decimal& number, int precision, int scale) {
  if (!number.digits.empty()) {
    const auto size = static_cast<int>(number.digits.size());
    if (-number.exponent > scale || size + number.exponent > precision - scale) return std::nullopt;
  }
  auto text = placed(number.digits.empty() ? Decimal{false, "0", 0} : number);
  if (scale <= 0) return text;
  const auto point = text.find('.');
  const auto behind = point == std::string::npos ? 0 : text.size() - point - 1;
  if (point == std::string::npos) text += '.';
  text.append(static_cast<std::size_t>(scale) - behind, '0');
  return text;
}

std::string plain_text(const Decimal& number) {
  return number.digits.empty() ? "0" : placed(number);
}

std::string scientific_text(const Decimal& number) {
  if (number.digits.empty()) return "0";
  return (number.negative ? "-" : "") + number.digits + "e" + std::to_string(number.exponent);
}

std::string shortest_text(double number) {
  return shortest(number);
}
std::string shortest_text(float number) {
  return shortest(number);
}

}  // namespace ecluse::transfer
