#include "gateway/hashed_asset.h"

#include <algorithm>

#include "gateway/http1_chars.h"

namespace ecluse::gateway {

namespace {
constexpr std::size_t kHashCharsMin = 8;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_hash(std::string_view part) {
  const auto is_alphanumeric = [](char c) { return http1::is_digit(c) || is_letter(c); };
  return part.size() >= kHashCharsMin && std::ranges::all_of(part, is_alphanumeric) &&
         std::ranges::any_of(part, http1::is_digit) && std::ranges::any_of(part, is_letter);
}
}  // namespace

bool is_hashed_asset(std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t extension = name.rfind('.');
  if (extension == std::string_view::npos) return false;
  name = name.substr(0, extension);
  for (;;) {
    const std::size_t mark = name.find_last_of(".-_");
    if (mark == std::string_view::npos) return false;  // a name that is all hash names no asset
    if (is_hash(name.substr(mark + 1))) return true;
    name = name.substr(0, mark);
  }
}

}  // namespace ecluse::gateway
