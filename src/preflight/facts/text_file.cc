#include "preflight/facts/text_file.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"

namespace ecluse::preflight {

namespace {

constexpr std::size_t kSniffBytes = 8192;

void append_utf8(std::string& out, char32_t c) {
  const auto byte = [&](char32_t value) { out.push_back(static_cast<char>(value)); };
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xC0 | (c >> 6));
    byte(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    byte(0xE0 | (c >> 12));
    byte(0x80 | ((c >> 6) & 0x3F));
    byte(0x80 | (c & 0x3F));
  } else {
    byte(0xF0 | (c >> 18));
    byte(0x80 | ((c >> 12) & 0x3F));
    byte(0x80 | ((c >> 6) & 0x3F));
    byte(0x80 | (c & 0x3F));
  }
}

bool is_surrogate(char32_t unit, char32_t from) {
  return unit >= from && unit < from + 0x400;
}

/// Lone surrogates become U+FFFD (RFC 2781).
std::string from_utf16(std::string_view bytes, bool little) {
  std::string out;
  const auto unit = [&](std::size_t i) -> char32_t {
    const auto a = static_cast<unsigned char>(bytes[i]);
    const auto b = static_cast<unsigned char>(bytes[i + 1]);
    return little ? static_cast<char32_t>(b << 8 | a) : static_cast<char32_t>(a << 8 | b);
  };
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    char32_t c = unit(i);
    if (is_surrogate(c, 0xD800) && i + 3 < bytes.size() && is_surrogate(unit(i + 2), 0xDC00)) {
      c = 0x10000 + ((c - 0xD800) << 10) + (unit(i + 2) - 0xDC00);
      i += 2;
    } else if (is_surrogate(c, 0xD800) || is_surrogate(c, 0xDC00)) {
      c = 0xFFFD;
    }
    append_utf8(out, c);
  }
  return out;
}

/// Text in UTF-16 without a mark: nearly every second byte is zero.
bool looks_like_utf16(std::string_view bytes, std::size_t zero_at) {
  const auto sniffed = std::min(bytes.size(), kSniffBytes) & ~std::size_t{1};
  if (sniffed < 4) return false;
  std::size_t zeros = 0;
  std::size_t others = 0;
  for (std::size_t i = 0; i < sniffed; i += 2) {
    zeros += bytes[i + zero_at] == '\0';
    others += bytes[i + 1 - zero_at] == '\0';
  }
  return zeros * 2 * 10 >= sniffed * 9 && others == 0;
}

}  // namespace

TextFile decode(std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  if (bytes.starts_with("\xFF\xFE")) return {Encoding::kUtf16, from_utf16(bytes.substr(2), true)};
  if (bytes.starts_with("\xFE\xFF")) return {Encoding::kUtf16, from_utf16(bytes.substr(2), false)};
  if (bytes.substr(0, kSniffBytes).find('\0') == std::string_view::npos)
    return {is_valid_utf8(bytes) ? Encoding::kUtf8 : Encoding::kLatin, std::string(bytes)};
  if (looks_like_utf16(bytes, 1)) return {Encoding::kUtf16, from_utf16(bytes, true)};
  if (looks_like_utf16(bytes, 0)) return {Encoding::kUtf16, from_utf16(bytes, false)};
  return {Encoding::kBinary, {}};
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    auto line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    begin = end + 1;
  }
  return lines;
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  // Not std::tolower: a call for each byte, and another answer in another locale.
  std::ranges::transform(out, out.begin(), [](char c) {
    return static_cast<char>('A' <= c && c <= 'Z' ? c + 32 : c);
  });
  return out;
}

bool contains_word(std::string_view text, std::string_view word) {
  const auto part = [&](std::size_t i) {
    return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
  };
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    if ((at == 0 || !part(at - 1)) && !part(at + word.size())) return true;
  }
  return false;
}

std::string_view file_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string_view folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

bool is_below(std::string_view path, std::string_view folder) {
  return folder.empty() ||
         (path.starts_with(folder) && path.substr(folder.size()).starts_with('/'));
}

std::string join_path(std::string_view folder, std::string_view relative) {
  if (relative.starts_with('/')) return {};
  std::vector<std::string> parts;
  if (!folder.empty()) parts = split(folder, '/');
  for (auto& part : split(relative, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(std::move(part));
    } else if (parts.empty()) {
      return {};
    } else {
      parts.pop_back();
    }
  }
  return join(parts, "/");
}

}  // namespace ecluse::preflight
