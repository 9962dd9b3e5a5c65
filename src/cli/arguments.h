#pragma once
// What a verb takes, declared once: parsing, help, completion and docs/command-line.md read it.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ecluse::cli {

enum class ArgumentKind {
  kFlag,
  kValue,       ///< --to ENV
  kPositional,  ///< at most one word
  kWords,       ///< any number of words
  kCommand,     ///< everything behind "--", untouched
};

struct Argument {
  ArgumentKind kind = ArgumentKind::kFlag;
  std::string names;  ///< "-f,--follow", or the name of a positional: "REF"
  std::string value;  ///< "ENV"; empty for flags and positionals
  std::string help;
  bool required = false;
  bool repeats = false;              ///< a kValue that may be given several times
  std::vector<std::string> choices;  ///< completion offers them
  std::function<Result<void>(const std::string&)> set;
};

/// The targets must outlive the parse; verbs keep them in a shared struct.
class Arguments {
 public:
  void flag(std::string names, bool& target, std::string help);
  void value(std::string names, std::string value, std::string& target, std::string help,
             std::vector<std::string> choices = {});
  /// May be repeated: --to A --to B.
  void values(std::string names, std::string value, std::vector<std::string>& target,
              std::string help);
  void number(std::string names, std::string value, std::optional<std::uint32_t>& target,
              std::string help);
  void positional(std::string name, std::string& target, std::string help, bool required = false,
                  std::vector<std::string> choices = {});
  void number_positional(std::string name, std::optional<std::uint32_t>& target, std::string help);
  void words(std::string name, std::vector<std::string>& target, std::string help,
             bool required = false);
  void command(std::string name, std::vector<std::string>& target, std::string help);

  const std::vector<Argument>& all() const { return all_; }

 private:
  std::vector<Argument> all_;
};

struct VerbLine {
  std::string verb;
  std::string help;
  std::string details;  ///< shown under the options by --help; may be empty
};

/// Nothing: run it. Text: --help was asked for, print it. Invalid: what is wrong with the words.
Result<std::optional<std::string>> parse_arguments(const VerbLine& line, const Arguments& arguments,
                                                   const std::vector<std::string>& words);

/// "ecluse deploy [REF] [--to ENV] ..."
std::string usage_of(const VerbLine& line, const Arguments& arguments);

/// "-f,--follow" to {"-f", "--follow"}
std::vector<std::string> spellings(const Argument& argument);

}  // namespace ecluse::cli
