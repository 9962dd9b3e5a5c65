#pragma once
// Small things people's words need.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ecluse {

/// The candidate nearest to `word` by Damerau-Levenshtein distance, if it is near enough to be a
/// likely slip (at most a third of the word's length, at least one edit allowed).
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

std::vector<std::string> split(std::string_view text, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);
std::string_view trim(std::string_view text);
/// Of ASCII letters; others stay as they are, whatever the locale.
std::string to_upper(std::string_view text);
bool is_valid_utf8(std::string_view text);
/// Control characters as \xNN, cut to `max` bytes with "...": safe to print, and UTF-8 whatever
/// `text` is (of what is not, every byte above 0x7F becomes \xNN). For text that stands alone.
std::string readable(std::string_view text, std::size_t max = 200);
/// The same with quotes and backslashes escaped: for text between quotes.
std::string printable(std::string_view text, std::size_t max = 200);

}  // namespace ecluse
