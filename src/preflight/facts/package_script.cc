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

/// The script that a command names, and what it is given besides; null when it is no call of one.
struct ScriptCall {
  const Script* script = nullptr;
  std::string arguments;
};
ScriptCall script_called(const Manifest& package, std::string_view command) {
  auto words = split(command, ' ');
  std::erase(words, "");
  if (words.size() < 2) return {};
  const bool yarn = words[0] == "yarn" || words[0] == "pnpm" || words[0] == "bun";
  if (words[0] != "npm" && !yarn) return {};
  const bool run = words[1] == "run" || words[1] == "run-script";
  const std::size_t name = run ? 2 : 1;
  const bool known = words[1] == "start" || words[1] == "test" || words[1] == "t";
  if (name >= words.size() || !(run || yarn || known)) return {};
  if (words[name] == "t") words[name] = "test";
  return {package.find_script(words[name]),
          join(std::span<const std::string>(words).subspan(name + 1), " ")};
}

class ScriptFollower {
 public:
  explicit ScriptFollower(const Manifest& package) : package_(package) {}

  std::string line(std::string_view text, int depth = 0) {
    std::vector<std::string> commands;
    for (const auto& part : parts_of(text)) commands.push_back(command(part, depth));
    return join(commands, " && ");
  }

 private:
  std::string command(const std::string& part, int depth) {
    if (depth >= kScriptsDeep || followed_ >= kScriptsFollowed) return part;
    const auto called = script_called(package_, part);
    if (!called.script) return part;
    ++followed_;
    const auto with = called.arguments.empty() ? "" : " " + called.arguments;
    return line(called.script->command + with, depth + 1);
  }

  const Manifest& package_;
  std::size_t followed_ = 0;
};

}  // namespace

std::string follow_scripts(const Manifest& package, std::string_view line) {
  return ScriptFollower(package).line(line);
}

}  // namespace ecluse::preflight
