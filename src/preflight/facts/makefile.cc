#include "preflight/facts/makefile.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <vector>

#include "base/text.h"
#include "preflight/facts/text_file.h"

namespace ecluse::preflight {

namespace {

// A Makefile may multiply its own text.
constexpr std::size_t kVariableBytesMax = 1024;
constexpr std::size_t kExpansionsMax = 64;  ///< in one line
constexpr std::size_t kMadeBytesMax = 256 * 1024;
constexpr std::size_t kTargetsMax = 64;  ///< of one rule: each has its lines

struct Recipe {
  std::vector<std::string> prerequisites;
  std::vector<std::string_view> lines;
};

struct Makefile {
  std::map<std::string, Recipe, std::less<>> recipes;
  std::map<std::string, std::string, std::less<>> variables;
  std::string first;  ///< target: what a bare `make` makes
};

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (auto& word : split(text, ' '))
    if (!trim(word).empty()) words.emplace_back(trim(word));
  return words;
}

/// The colon of `a b: c`; no rule is `NAME := x`, nor a line that a recipe or a variable holds.
std::size_t rule_colon(std::string_view line) {
  const auto colon = line.find(':');
  const bool rule = colon != std::string_view::npos && !line.starts_with('\t') &&
                    !line.starts_with('#') && line.find('=') > colon &&
                    line.substr(colon, 2) != ":=" && line.substr(colon, 3) != "::=";
  return rule ? colon : std::string_view::npos;
}

/// `NAME = value`, `:=`, `?=`; of `+=` only what is added first.
void take_variable(std::string_view line, Makefile& file) {
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return;
  auto name = line.substr(0, equals);
  name = trim(name.substr(0, name.find_last_not_of(":?+") + 1));
  const bool plain = !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) || c == '_';
  });
  const auto value = trim(line.substr(equals + 1));
  if (plain && value.size() <= kVariableBytesMax) file.variables.emplace(name, value);
}

/// `$(MANAGE) migrate` with what stands for MANAGE; a name that the file does not set stays.
std::string expanded(const Makefile& file, std::string_view line) {
  std::string text(line);
  std::size_t left = kExpansionsMax;
  for (auto at = text.find("$("); at != std::string::npos && left > 0; at = text.find("$(", at)) {
    const auto end = text.find(')', at);
    if (end == std::string::npos) break;
    const auto known = file.variables.find(std::string_view(text).substr(at + 2, end - at - 2));
    if (known == file.variables.end()) {
      at += 2;
      continue;
    }
    text.replace(at, end + 1 - at, known->second);
    --left;
  }
  return text;
}

Makefile read_makefile(std::string_view text) {
  Makefile file;
  std::vector<std::string> targets;
  for (const auto line : lines_of(text)) {
    if (line.starts_with('\t')) {
      for (const auto& target : targets)
        file.recipes[target].lines.push_back(
            line.substr(std::min(line.find_first_not_of("\t @-+"), line.size())));
      continue;
    }
    const auto colon = rule_colon(line);
    if (colon == std::string_view::npos) {
      if (!trim(line).empty() && !line.starts_with('#')) targets.clear();
      if (!line.starts_with('#')) take_variable(line, file);
      continue;
    }
    targets = words_of(line.substr(0, colon));
    targets.resize(std::min(targets.size(), kTargetsMax));
    for (const auto& target : targets) {
      auto& needed = file.recipes[target].prerequisites;
      const auto after = line.substr(colon + 1);
      const auto more = words_of(after.substr(0, after.find('#')));
      needed.insert(needed.end(), more.begin(), more.end());
      if (file.first.empty() && !target.starts_with('.')) file.first = target;
    }
  }
  return file;
}

/// The targets of `make -s web X=1`; nothing where it is no call of this file's.
std::vector<std::string> targets_of(const Makefile& file, std::string_view command) {
  const auto words = words_of(command);
  if (words.empty() || (words[0] != "make" && words[0] != "$(MAKE)")) return {};
  std::vector<std::string> targets;
  for (auto word = words.begin() + 1; word != words.end(); ++word) {
    if (*word == "-C" || *word == "-f" || word->starts_with("--directory")) return {};
    const bool target = !word->starts_with('-') && word->find('=') == std::string::npos;
    if (target) targets.push_back(*word);
  }
  if (targets.empty() && !file.first.empty()) targets.push_back(file.first);
  return targets;
}

/// Follows calls; each recipe once, as make does.
class Follower {
 public:
  explicit Follower(const Makefile& file) : file_(file) {}

  void line(std::string_view text) {
    std::string rest(text);
    for (const std::string_view separator : {"&&", "||", ";"})
      for (auto at = rest.find(separator); at != std::string::npos; at = rest.find(separator))
        rest.replace(at, separator.size(), "\n");
    for (const auto part : lines_of(rest))
      for (const auto& target : targets_of(file_, part)) make(target);
  }

  std::string commands;

 private:
  void make(const std::string& target) {
    auto found = file_.recipes.find(target);
    if (found == file_.recipes.end()) found = file_.recipes.find("%");  // what matches any target
    const bool again = std::ranges::find(made_, target) != made_.end();
    if (found == file_.recipes.end() || again || made_.size() >= kRecipesMax) return;
    made_.push_back(target);
    for (const auto& each : found->second.prerequisites) make(each);
    for (const auto each : found->second.lines) {
      if (commands.size() >= kMadeBytesMax) return;
      auto command = expanded(file_, each);
      if (const auto name = command.find("$@"); name != std::string::npos)
        command.replace(name, 2, target);
      commands += command + "\n";
      line(command);
    }
  }

  const Makefile& file_;
  std::vector<std::string> made_;
};

}  // namespace

std::string follow_make(std::string_view makefile, std::string_view line) {
  if (makefile.empty() || line.find("make") == std::string_view::npos) return {};
  const auto file = read_makefile(makefile);
  Follower follower(file);
  follower.line(line);
  return follower.commands;
}

}  // namespace ecluse::preflight
