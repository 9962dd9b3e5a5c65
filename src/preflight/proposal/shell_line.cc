#include "preflight/proposal/shell_line.h"

#include <algorithm>
#include <cctype>

namespace ecluse::preflight {

namespace {

/// All but a quote stands for itself there: POSIX, Shell Command Language, 2.2.2.
std::string in_quotes(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

std::string shell_word(std::string_view word) {
  const bool plain = !word.empty() && std::ranges::all_of(word, [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("_-./:=,@%+${}").find(static_cast<char>(c)) != std::string_view::npos;
  });
  return plain ? std::string(word) : in_quotes(word);
}

std::string in_shell(std::string_view line) {
  return "sh -c " + in_quotes(line);
}

std::string started_in(std::string_view folder, std::string_view command) {
  return in_shell("cd " + shell_word(folder) + " && exec " + std::string(command));
}

std::size_t dotenv_words(const std::vector<std::string>& words) {
  if (words.empty() || words[0] != "dotenv") return 0;
  std::size_t program = 1;
  while (program < words.size() && words[program].starts_with('-')) {
    if (words[program] == "--") return program + 1;
    // Of dotenv-cli's options these take a value.
    program += words[program] == "-e" || words[program] == "-v" || words[program] == "-c" ? 2 : 1;
  }
  return std::min(program, words.size());
}

}  // namespace ecluse::preflight
