#include "secrets/disguise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "base/text.h"

namespace ecluse::secrets {

namespace {
constexpr std::size_t kLineBytesMin = 8;

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Bit `index` of the value, counted from its first byte's highest.
unsigned bit_at(std::string_view value, std::size_t index) {
  const auto byte = static_cast<unsigned char>(value[index / 8]);
  return (byte >> (7 - index % 8)) & 1U;
}

/// The base64 digits that `value` alone determines when `before` (0..2) other bytes stand in front.
std::string base64_core(std::string_view value, std::size_t before, std::string_view alphabet) {
  const std::size_t first_bit = before * 8;
  const std::size_t end_bit = first_bit + value.size() * 8;
  std::string digits;
  for (std::size_t digit = (first_bit + 5) / 6; (digit + 1) * 6 <= end_bit; ++digit) {
    unsigned six = 0;
    for (std::size_t bit = 0; bit < 6; ++bit) {
      six = six << 1U | bit_at(value, digit * 6 + bit - first_bit);
    }
    digits += alphabet[six];
  }
  return digits;
}

enum class Hex { kUpper, kLower };
struct UrlStyle {
  Hex hex = Hex::kUpper;
  bool plus_for_space = false;
  std::string_view also_safe;
};

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~").find(c) != std::string_view::npos;
}

std::string url_encoded(std::string_view value, const UrlStyle& style) {
  std::string result;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_unreserved(c) || style.also_safe.find(c) != std::string_view::npos) {
      result += c;
    } else if (c == ' ' && style.plus_for_space) {
      result += '+';
    } else {
      result +=
          style.hex == Hex::kUpper ? fmt::format("%{:02X}", byte) : fmt::format("%{:02x}", byte);
    }
  }
  return result;
}

/// The code point that starts at `at`, which moves behind it. The text is valid UTF-8.
char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
  char32_t code = more == 0 ? lead : lead & (0x3fU >> more);
  for (int i = 0; i < more; ++i)
    code = code << 6U | (static_cast<unsigned char>(text[at++]) & 0x3fU);
  return code;
}

std::string utf16_escape(char32_t code) {
  if (code < 0x10000) return fmt::format("\\u{:04x}", static_cast<std::uint32_t>(code));
  const std::uint32_t rest = code - 0x10000;
  return fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (rest >> 10U), 0xdc00 + (rest & 0x3ffU));
}

enum class NonAscii { kAsItIs, kEscaped };

std::string json_ascii(char c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    default:
      return static_cast<unsigned char>(c) < 0x20 ? utf16_escape(static_cast<char32_t>(c))
                                                  : std::string(1, c);
  }
}

std::string json_escaped(std::string_view value, NonAscii non_ascii) {
  std::string result;
  for (std::size_t at = 0; at < value.size();) {
    const auto begin = at;
    const char32_t code = next_code_point(value, at);
    if (code < 0x80) {
      result += json_ascii(static_cast<char>(code));
    } else if (non_ascii == NonAscii::kEscaped) {
      result += utf16_escape(code);
    } else {
      result += value.substr(begin, at - begin);
    }
  }
  return result;
}

std::string replaced(std::string_view text, char what, std::string_view by) {
  std::string result;
  for (const char c : text) {
    if (c == what) {
      result += by;
    } else {
      result += c;
    }
  }
  return result;
}

std::string html_escaped(std::string_view value, std::string_view apostrophe) {
  auto result = replaced(value, '&', "&amp;");
  result = replaced(result, '<', "&lt;");
  result = replaced(result, '>', "&gt;");
  result = replaced(result, '"', "&quot;");
  return replaced(result, '\'', apostrophe);
}

void add_lines(std::vector<std::string>& forms, std::string_view value) {
  if (value.find('\n') == std::string_view::npos) return;
  for (const auto& line : split(value, '\n')) {
    const auto text = trim(line);
    // "-----BEGIN PRIVATE KEY-----" is no secret, and saying it helps.
    if (text.size() >= kLineBytesMin && !text.starts_with("-----")) forms.emplace_back(text);
  }
}
}  // namespace

std::vector<std::string> disguises_of(std::string_view value) {
  if (value.size() < kDisguiseBytesMin) return {};
  std::vector<std::string> forms{std::string(value)};
  for (const std::size_t before : {0U, 1U, 2U}) {
    forms.push_back(base64_core(value, before, kBase64));
    forms.push_back(base64_core(value, before, kBase64Url));
  }
  for (const auto also_safe : {"", "/", ":/?#[]@!$&'()*+,;="}) {
    for (const auto hex : {Hex::kUpper, Hex::kLower}) {
      forms.push_back(url_encoded(value, {hex, false, also_safe}));
      forms.push_back(url_encoded(value, {hex, true, also_safe}));
    }
  }
  if (is_valid_utf8(value)) {
    for (const auto non_ascii : {NonAscii::kAsItIs, NonAscii::kEscaped}) {
      forms.push_back(json_escaped(value, non_ascii));
      forms.push_back(replaced(json_escaped(value, non_ascii), '/', "\\/"));
    }
  }
  forms.push_back(html_escaped(value, "&#x27;"));
  forms.push_back(html_escaped(value, "&#39;"));
  add_lines(forms, value);
  std::sort(forms.begin(), forms.end());
  forms.erase(std::unique(forms.begin(), forms.end()), forms.end());
  std::erase_if(forms, [](const auto& form) { return form.size() < kDisguiseBytesMin; });
  return forms;
}

}  // namespace ecluse::secrets
