#include "artifact/tidy_text.h"

#include "base/text.h"

namespace ecluse::artifact {

namespace {
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kCut = "\xE2\x80\xA6";

/// Bytes of the well-formed character at the start of `text`; 0 when there is none.
std::size_t character_bytes(std::string_view text) {
  for (std::size_t n = 1; n <= 4 && n <= text.size(); ++n) {
    if (is_valid_utf8(text.substr(0, n))) return n;
  }
  return 0;
}

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  // C1 controls (U+0080 to U+009F): some terminals obey them.
  return character.size() == 2 && first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}
}  // namespace

std::string tidy_text(std::string_view text, std::size_t bytes_max) {
  std::string tidy;
  while (!text.empty()) {
    const std::size_t n = character_bytes(text);
    const std::string_view next = text.substr(0, n == 0 ? 1 : n);
    const bool keep = n > 0 && !is_control(next);
    const std::string_view shown = keep ? next : kReplacement;
    const bool last = next.size() == text.size();
    if (tidy.size() + shown.size() + (last ? 0 : kCut.size()) > bytes_max) {
      return tidy.append(kCut);
    }
    tidy.append(shown);
    text.remove_prefix(next.size());
  }
  return tidy;
}

}  // namespace ecluse::artifact
