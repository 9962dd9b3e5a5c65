#include "preflight/remedy/line_edit.h"

#include <array>
#include <regex>
#include <utility>

#include "preflight/facts/text_file.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

using Edited = std::optional<std::string>;

/// The line with the first match replaced; nothing when there is none.
Edited replaced(std::string_view line, const std::regex& what, const char* by) {
  const std::string text(line);
  if (!std::regex_search(text, what)) return std::nullopt;
  return std::regex_replace(text, what, by, std::regex_constants::format_first_only);
}

Edited whole_word_of_grep(const Line& line) {
  static const std::regex kGrep(R"re(\bgrep((?:\s+-\w+)*)\s+(["']?)healthy\2(?![\w-]))re");
  return replaced(line.text, kGrep, "grep$1 -w $2healthy$2");
}

Edited deploy_of_prisma(const Line& line) {
  static const std::regex kDev(R"re(\bprisma migrate dev\b(?!\s+-))re");
  return replaced(line.text, kDev, "prisma migrate deploy");
}

/// Only the short form "5432:5432", which says nothing about an address.
Edited published_on_loopback(const Line& line) {
  static const std::regex kPorts(R"re(((?:^|[\[\s,-])["']?)(\d{1,5}:\d{1,5})(?=["'\],\s]|$))re");
  return replaced(line.text, kPorts, "$01127.0.0.1:$2");
}

Edited failing_curl(const Line& line) {
  static const std::regex kCurl(R"re(\bcurl\s+)re");
  return replaced(line.text, kCurl, "curl --fail ");
}

Edited tests_that_count(const Line& line) {
  static const std::regex kTrue(R"re(\s*\|\|\s*(?:true|:)\s*$)re");
  return replaced(line.text, kTrue, "");
}

Edited switched_on(const Line& line) {
  static const std::regex kOff(R"re(^(\s*enable(?:CORS|XsrfProtection)\s*=\s*)false\b)re");
  return replaced(line.text, kOff, "$1true");
}

bool imports_os(std::string_view file) {
  for (const auto line : lines_of(file))
    if (line == "import os" || line.starts_with("import os,") || line.starts_with("import os "))
      return true;
  return false;
}

/// The variable decides, and without it DEBUG is off.
Edited debug_off_by_default(const Line& line) {
  static const std::regex kDefault(
      R"re(^(DEBUG\s*=\s*.*(?:getenv|environ\.get)\(\s*["']\w+["']\s*,\s*["']?)[Tt]rue(["']?\s*\).*)$)re");
  if (auto edited = replaced(line.text, kDefault, "$1False$2")) return edited;
  static const std::regex kLiteral(R"re(^DEBUG\s*=\s*True(\s*(?:#.*)?)$)re");
  if (!imports_os(line.file)) return std::nullopt;
  return replaced(line.text, kLiteral, R"(DEBUG = os.environ.get("DEBUG", "False") == "True"$1)");
}

/// A command without anything that only a shell does after it.
bool is_plain_command(std::string_view command) {
  return !command.empty() &&
         command.find_first_of(";&|<>()`\\'\"[]{}#") == std::string_view::npos &&
         command.substr(0, command.find(' ')).find('=') == std::string_view::npos;
}

/// Of `CMD a && b` and of a script's last line.
Edited exec_of_the_server(const Line& line) {
  const auto and_then = line.text.rfind("&& ");
  const bool shell_form = line.text.starts_with("CMD ") && and_then != std::string_view::npos;
  if (shell_form && !line.text.ends_with('\\')) {
    const auto server = line.text.substr(and_then + 3);
    if (!is_plain_command(server) || server.starts_with("exec ")) return std::nullopt;
    return std::string(line.text.substr(0, and_then + 3)) + "exec " + std::string(server);
  }
  const bool in_script = line.last && !line.text.starts_with("CMD ") &&
                         !line.text.starts_with("ENTRYPOINT ") && !line.text.starts_with(' ') &&
                         !line.text.starts_with('\t');
  if (!in_script || !is_plain_command(line.text) || line.text.starts_with("exec "))
    return std::nullopt;
  return "exec " + std::string(line.text);
}

struct Entry {
  std::string_view rule;
  LineEdit edit;
};
constexpr std::array kEdits = {
    Entry{"HC-005", whole_word_of_grep},     Entry{"MIG-005", deploy_of_prisma},
    Entry{"SEC-008", published_on_loopback}, Entry{"CI-003", failing_curl},
    Entry{"CI-006", tests_that_count},       Entry{"ST-002", switched_on},
    Entry{"DJ-001", debug_off_by_default},   Entry{"DK-005", exec_of_the_server},
};

}  // namespace

LineEdit line_edit_of(std::string_view rule) {
  for (const auto& each : kEdits)
    if (each.rule == rule) return each.edit;
  return nullptr;
}

}  // namespace ecluse::preflight
