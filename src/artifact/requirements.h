#pragma once
// requirements.txt as people have it: in UTF-8, with a byte order mark, or in the UTF-16 that
// PowerShell's `>` writes.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ecluse::artifact {

struct DecodedText {
  std::string text;      ///< UTF-8 without a byte order mark, line ends \n
  std::string encoding;  ///< "UTF-8", "UTF-8 with BOM", "UTF-16LE", "UTF-16BE"
  bool operator==(const DecodedText&) const = default;
};

/// Recognises UTF-16 without a mark by its zero bytes. Invalid when it is neither.
Result<DecodedText> decode_text(std::string_view bytes);

struct Requirements {
  std::string text;  ///< of the file itself, as pip will read it
  std::string encoding;
  std::vector<std::string> nested;  ///< files it includes with -r or -c, relative to the tree
  std::string all_text;             ///< of all of them: what the result depends on
  std::vector<std::pair<std::string, std::string>> files;  ///< each file and its text
  /// Names a folder of the repository or a branch somewhere: what is installed does not follow from
  /// the text alone.
  bool open_ended = false;
};

/// Reads `file` (relative to `tree`) and what it includes. NotFound names the file that is missing.
Result<Requirements> read_requirements(const std::filesystem::path& tree, const std::string& file);

/// "line 3 of requirements.txt" for what pip calls "six==1.0": the line that names it, or nothing.
std::string line_of(const Requirements& requirements, std::string_view requirement);

}  // namespace ecluse::artifact
