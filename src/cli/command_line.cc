#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <ostream>

#include "base/text.h"
#include "base/unforeseen.h"
#include "cli/verb.h"

namespace ecluse::cli {

namespace {

const Verb* find_verb(const std::string& name) {
  for (const auto& verb : verbs()) {
    if (verb.name == name) return &verb;
  }
  return nullptr;
}

void print_overview(const Terminal& terminal) {
  auto& out = terminal.out;
  out << "ecluse VERB: from a git commit to production, and back\n";
  std::string group;
  for (const auto& verb : verbs()) {
    if (verb.group != group) out << "\n" << terminal.paint(Ink::kBold, verb.group) << "\n";
    group = verb.group;
    out << fmt::format("  {:<12} {}\n", verb.name, verb.help);
  }
  out << "\n`ecluse VERB --help` says more. Exit codes: 0 done, 1 failed, 2 usage, 3 refused by a "
         "gate,\n4 inconclusive, 5 cannot reach the daemon.\n";
}

Common common_of(const std::vector<std::string>& words) {
  Common common;
  const auto end = std::ranges::find(words, "--");
  common.json = std::find(words.begin(), end, "--json") != end;
  return common;
}

int no_such_verb(const Session& session, const std::vector<std::string>& words) {
  const auto& word = words.front();
  std::vector<std::string> names;
  for (const auto& verb : verbs()) names.push_back(verb.name);
  const auto near = nearest(word, names);
  const Error error{
      ErrorKind::kInvalid, fmt::format("there is no verb \"{}\"", printable(word, 60)),
      near ? fmt::format("did you mean `ecluse {}`?", *near) : "`ecluse --help` lists the verbs"};
  return report(session, common_of(words), error, kUsage);
}

int run_verb_line(const Session& session, const Verb& verb, const std::vector<std::string>& words) {
  Arguments arguments;
  const auto action = verb.declare(arguments);
  const auto parsed = parse_arguments({verb.name, verb.help, verb.details}, arguments, words);
  if (!parsed) {
    auto error = parsed.error();
    if (error.hint.empty())
      error.hint = fmt::format("`ecluse {} --help` shows its usage", verb.name);
    return report(session, common_of(words), error, kUsage);
  }
  if (*parsed) {
    session.terminal.out << **parsed;
    return kDone;
  }
  try {
    return action(session);
  } catch (const std::exception& thrown) {
    return report(session, common_of(words), unforeseen(thrown));
  }
}

}  // namespace

int run_command_line(const Session& session, const std::vector<std::string>& words) {
  if (words.empty()) {
    print_overview(session.terminal);
    return kUsage;
  }
  const auto& first = words.front();
  if (first == "help" || first == "--help" || first == "-h") {
    if (words.size() == 1) {
      print_overview(session.terminal);
      return kDone;
    }
    return run_command_line(session, {words[1], "--help"});
  }
  const auto* const verb = find_verb(first == "--version" ? "version" : first);
  if (verb == nullptr) return no_such_verb(session, words);
  return run_verb_line(session, *verb, {words.begin() + 1, words.end()});
}

}  // namespace ecluse::cli
