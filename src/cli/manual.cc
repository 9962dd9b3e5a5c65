#include "cli/manual.h"

#include <fmt/format.h>

#include "cli/verb.h"

namespace ecluse::cli {

namespace {

/// A bar would end the table's cell.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string section(const Verb& verb) {
  Arguments arguments;
  const auto action = verb.declare(arguments);  // owns what the arguments point to
  const VerbLine line{verb.name, verb.help, verb.details};
  auto text = fmt::format("\n### ecluse {}\n{}.\n\n```\n{}\n```\n", verb.name, verb.help,
                          usage_of(line, arguments));
  if (!verb.details.empty()) text += verb.details + "\n\n";
  if (!arguments.all().empty()) text += "| argument | meaning |\n|---|---|\n";
  for (const auto& argument : arguments.all()) {
    const auto value = argument.value.empty() ? "" : " " + argument.value;
    text += fmt::format("| `{}{}` | {} |\n", argument.names, value, cell(argument.help));
  }
  return text;
}

}  // namespace

std::string manual() {
  std::string text;
  std::string group;
  for (const auto& verb : verbs()) {
    if (verb.group != group) text += fmt::format("\n## {}\n", verb.group);
    group = verb.group;
    text += section(verb);
  }
  return text;
}

}  // namespace ecluse::cli
