#pragma once
// Facts of a shell script, a `run:` block or a RUN line: its simple commands in order, and how the
// shell treats their failure. From tree-sitter's bash grammar; pure.

#include <string>
#include <string_view>
#include <vector>

#include "preflight/facts/place.h"

namespace ecluse::preflight {

struct ShellCommand {
  std::vector<std::string> words;  ///< outer quotes removed, expansions as written
  std::string text;                ///< the source, cut
  std::string or_else;             ///< what stands behind `||`: "true"
  bool tested = false;             ///< its failure does not end an `-e` shell: if, while, &&, ||, !
  bool piped = false;              ///< not the last of a pipeline: its failure is lost
  bool substituted = false;        ///< inside $(...)
  bool background = false;
  bool function = false;  ///< inside a function's body
  std::string condition;  ///< source of the innermost if's condition
  std::string redirects;  ///< source of its redirections
  std::string heredoc;    ///< the body it is fed, cut
  Place place;

  std::string_view name() const { return words.empty() ? std::string_view{} : words[0]; }
  bool has(std::string_view word) const;
};

struct ShellTest {
  std::string text;  ///< "[ $? -ne 0 ]"
  Place place;
};

struct ShellScript {
  std::vector<ShellCommand> commands;
  std::vector<ShellTest> tests;
  bool errexit = false;  ///< `set -e` at its start or in its first line
  bool truncated = false;
  Place place{1, 1};  ///< of its first byte in its file
};

/// Its last command only says something or ends it: a job's script, behind which nothing serves.
bool ends_with_words(const ShellScript& script);

constexpr std::size_t kShellBytesMax = 64 * 1024;
constexpr std::size_t kCommandsMax = 4'000;
constexpr std::size_t kWordBytesMax = 512;

/// `origin` is the place of the first byte of `source` in its file; lines count on from there.
ShellScript read_shell(std::string_view source, Place origin = {1, 1});

}  // namespace ecluse::preflight
