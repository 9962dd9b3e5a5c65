#pragma once
// Lines for a shell, put together from words that are not ours. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace ecluse::preflight {

/// `word` so that a shell takes it for one, whatever it holds; variables of a word that is plain
/// besides are filled in ("0.0.0.0:$PORT").
std::string shell_word(std::string_view word);

/// `sh -c '...'` of a line that may have quotes of its own.
std::string in_shell(std::string_view line);

/// A line that runs `command`, itself a line, in `folder`: "sh -c 'cd web && exec node main.js'".
std::string started_in(std::string_view folder, std::string_view command);

/// How many words of `dotenv -e config/.env -- node main.js` stand in front of the program; 0 where
/// they are of something else.
std::size_t dotenv_words(const std::vector<std::string>& words);

}  // namespace ecluse::preflight
