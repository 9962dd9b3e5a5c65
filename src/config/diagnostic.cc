#include "config/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace ecluse::config {

namespace {

constexpr std::size_t kShownLineBytesMax = 160;

std::string_view severity_words(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "";
    case Severity::kWarning:
      return "warning: ";
    case Severity::kNote:
      return "note: ";
  }
  return "";
}

std::string place_words(const Diagnostic& d) {
  if (d.line == 0) return d.file;
  return fmt::format("{}:{}:{}", d.file, d.line, d.column);
}

std::string_view line_of(std::string_view text, int line) {
  for (int i = 1; i < line; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

bool starts_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

/// Blanks as wide as what stands before `column`; tabs stay tabs so that the caret lines up.
std::string indent_to(std::string_view line, int column) {
  std::string indent;
  for (const char c : line) {
    if (!starts_character(c)) continue;
    if (static_cast<int>(indent.size()) + 1 >= column) break;
    indent += c == '\t' ? '\t' : ' ';
  }
  return indent;
}

/// A line fit for a terminal: no control characters but tabs, and not endless.
std::string shown(std::string_view line) {
  std::string out;
  for (const char c : line.substr(0, kShownLineBytesMax)) {
    const auto byte = static_cast<unsigned char>(c);
    out += (byte < 0x20 && c != '\t') || byte == 0x7F ? '?' : c;
  }
  return line.size() > kShownLineBytesMax ? out + "..." : out;
}

}  // namespace

std::string to_string(const Diagnostic& d) {
  std::string out = fmt::format("{}: {}{}", place_words(d), severity_words(d.severity), d.message);
  if (!d.expected.empty()) out += fmt::format("; expected {}", d.expected);
  if (!d.nearest.empty()) out += fmt::format("; did you mean '{}'?", d.nearest);
  return out;
}

std::string render(const Diagnostic& d, std::string_view text) {
  const std::string head = to_string(d) + "\n";
  const std::string_view line = line_of(text, d.line);
  if (d.line == 0 || !is_valid_utf8(line)) return head;
  return fmt::format("{}{:>5} | {}\n      | {}^\n", head, d.line, shown(line),
                     indent_to(line, d.column));
}

std::string render(std::span<const Diagnostic> diagnostics, std::string_view text) {
  std::string out;
  for (const auto& diagnostic : diagnostics) {
    if (!out.empty()) out += '\n';
    out += render(diagnostic, text);
  }
  return out;
}

}  // namespace ecluse::config
