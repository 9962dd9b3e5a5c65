#include "preflight/facts/package_script.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace ecluse::preflight {

namespace {

/// The parts of a line that a shell runs one after the other.
std::vector<std::string> parts_of(std::string_view line) {
  std::vector<std::string> parts;
  while (!line.empty()) {
    const auto end = std::min(line.find("&&"), line.find(';'));
    parts.emplace_back(trim(line.substr(0, end)));
    if (end == std::string_view::npos) break;
    line.remove_prefix(end + (line[end] == '&' ? 2 : 1));
  }
  return parts;
}

/// The script that a command names; null when it is no call of one.
const Script* script_called(const Manifest& package, std::string_view command) {
  const auto words = split(command, ' ');
  if (words.size() < 2) return nullptr;
  const bool yarn = words[0] == "yarn" || words[0] == "pnpm" || words[0] == "bun";
  if (words[0] != "npm" && !yarn) return nullptr;
  const bool run = words[1] == "run" || words[1] == "run-script";
  if (run) return words.size() > 2 ? package.find_script(words[2]) : nullptr;
  return yarn || words[1] == "start" ? package.find_script(words[1]) : nullptr;
}

std::string followed(const Manifest& package, std::string_view line, int depth) {
  std::vector<std::string> commands;
  for (const auto& part : parts_of(line)) {
    const auto* script = depth < kScriptsDeep ? script_called(package, part) : nullptr;
    commands.push_back(script ? followed(package, script->command, depth + 1) : part);
  }
  return join(commands, " && ");
}

}  // namespace

std::string follow_scripts(const Manifest& package, std::string_view line) {
  return followed(package, line, 0);
}

}  // namespace ecluse::preflight
