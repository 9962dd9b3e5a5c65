#pragma once
// Bytes of a stranger's file as text: which encoding, or that it is none.

#include <string>
#include <string_view>
#include <vector>

namespace ecluse::preflight {

enum class Encoding { kUtf8, kUtf16, kLatin, kBinary };

struct TextFile {
  Encoding encoding = Encoding::kUtf8;
  std::string text;  ///< UTF-8 without byte order mark; empty when binary
};

/// UTF-16 is known by its byte order mark, or by its zero bytes in every second place; binary by a
/// zero byte within the first kilobytes. Anything else is text.
TextFile decode(std::string_view bytes);

/// Lines without their ends. Views into `text`.
std::vector<std::string_view> lines_of(std::string_view text);

std::string to_lower(std::string_view text);
bool contains_word(std::string_view text, std::string_view word);  ///< no [A-Za-z0-9_] beside it
std::string_view file_name(std::string_view path);
std::string_view folder_of(std::string_view path);  ///< "" at the top
/// Everything is below "", the top.
bool is_below(std::string_view path, std::string_view folder);
/// "a/b" and "../c" make "a/c"; an absolute `relative` or one that leaves the tree gives "".
std::string join_path(std::string_view folder, std::string_view relative);

}  // namespace ecluse::preflight
