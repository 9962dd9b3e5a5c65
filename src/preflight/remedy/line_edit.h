#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace ecluse::preflight {

/// One line with its fault mended, or nothing when this line is not the simple case. `file` is the
/// whole text: some remedies are right only if the rest of it says so; `last` that nothing follows
/// the line.
struct Line {
  std::string_view text;
  std::string_view file;
  bool last = false;
};
using LineEdit = std::optional<std::string> (*)(const Line& line);

/// Nothing: no rule of that id is mended by an edit of its line.
LineEdit line_edit_of(std::string_view rule);

}  // namespace ecluse::preflight
