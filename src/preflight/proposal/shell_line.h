#pragma once
// Lines for a shell, put together from words that are not ours. Pure.

#include <string>
#include <string_view>

namespace ecluse::preflight {

/// `word` so that a shell takes it for one, whatever it holds; variables of a word that is plain
/// besides are filled in ("0.0.0.0:$PORT").
std::string shell_word(std::string_view word);

/// `sh -c '...'` of a line that may have quotes of its own.
std::string in_shell(std::string_view line);

/// A line that runs `command`, itself a line, in `folder`: "sh -c 'cd web && exec node main.js'".
std::string started_in(std::string_view folder, std::string_view command);

}  // namespace ecluse::preflight
