#pragma once
// The character classes of RFC 9110 section 5.6 and RFC 3986, as tables made at compile time.

#include <array>
#include <cstdint>
#include <string_view>

namespace ecluse::gateway::http1 {

using CharTable = std::array<bool, 256>;

constexpr CharTable char_table(std::string_view extra, bool alphanumeric) {
  CharTable table{};
  for (const char c : extra) table[static_cast<unsigned char>(c)] = true;
  for (int c = 0; alphanumeric && c < 256; ++c) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) table[c] = true;
  }
  return table;
}
constexpr CharTable range_table(int first, int last, std::string_view without) {
  CharTable table{};
  for (int c = first; c <= last; ++c) table[c] = true;
  for (const char c : without) table[static_cast<unsigned char>(c)] = false;
  return table;
}
/// field-vchar, SP and HTAB: what a field value may hold.
constexpr CharTable value_table() {
  CharTable table = range_table(0x20, 0xff, "\x7f");
  table['\t'] = true;
  return table;
}

inline constexpr CharTable kTokenChars = char_table("!#$%&'*+-.^_`|~", true);
inline constexpr CharTable kValueChars = value_table();
/// Visible ASCII but for the fragment mark: a request target carries no fragment.
inline constexpr CharTable kTargetChars = range_table(0x21, 0x7e, "#");
/// What we accept in a host name. Narrower than RFC 3986's reg-name: sub-delims such as a comma
/// would let two Host fields pass as one.
inline constexpr CharTable kHostChars = char_table("-._~", true);

inline bool all_in(const CharTable& table, std::string_view text) {
  for (const char c : text) {
    if (!table[static_cast<unsigned char>(c)]) return false;
  }
  return true;
}
inline bool is_token(std::string_view text) {
  return !text.empty() && all_in(kTokenChars, text);
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}
inline std::string_view trim_ows(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Calls `f(element)` for each non-empty element of a comma-separated list, until it returns false.
template <typename F>
bool for_each_element(std::string_view list, F&& f) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view element = trim_ows(list.substr(0, comma));
    if (!element.empty() && !f(element)) return false;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return true;
}

}  // namespace ecluse::gateway::http1
