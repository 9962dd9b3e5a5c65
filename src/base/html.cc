#include "base/html.h"

namespace ecluse {

namespace {
/// What stands for `c` in a page; empty: itself.
std::string_view entity_of(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    default:
      return {};
  }
}
}  // namespace

std::string html_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto entity = entity_of(c);
    if (entity.empty())
      out += c;
    else
      out += entity;
  }
  return out;
}

}  // namespace ecluse
