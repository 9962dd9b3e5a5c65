#pragma once
// What is wrong with a file, and where: the way config/ answers people.

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ecluse::config {

enum class Severity { kError, kWarning, kNote };

/// A position in a file, both from 1; `column` counts characters, not bytes. Line 0: no place.
struct Place {
  int line = 0;
  int column = 0;
  auto operator<=>(const Place&) const = default;
};

struct Diagnostic {
  std::string file;
  int line = 0;  ///< from 1; 0: the file as a whole
  int column = 0;
  std::string message;   ///< what is wrong
  std::string expected;  ///< what would be right; may be empty
  std::string nearest;   ///< the valid word that was probably meant; may be empty
  Severity severity = Severity::kError;
  bool operator==(const Diagnostic&) const = default;
};

/// "ecluse.yml:7:5: unknown key 'instnces'; expected one of command, ...; did you mean
/// 'instances'?"
std::string to_string(const Diagnostic& diagnostic);

/// to_string(), then the source line and a caret under the place. `text` is the file's content.
std::string render(const Diagnostic& diagnostic, std::string_view text);

/// Every diagnostic rendered, in order, with an empty line between them.
std::string render(std::span<const Diagnostic> diagnostics, std::string_view text);

}  // namespace ecluse::config
