#include <fmt/format.h>

#include <ostream>

#include "api/json.h"
#include "cli/follow.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

struct Options : Common {
  std::optional<std::uint32_t> release;
  bool check = false;
  bool detach = false;
};

void print_list(const Terminal& terminal, Ink ink, const char* word,
                const std::vector<std::string>& lines) {
  for (const auto& line : lines) {
    terminal.out << "  " << terminal.paint(ink, word) << " " << line << "\n";
  }
}

void print_check(const Terminal& terminal, const control::Act& act,
                 const control::RollbackCheck& check) {
  terminal.out << fmt::format("{}: rollback to release {} is {}{}\n", to_string(act.environment),
                              check.release, check.possible ? "possible" : "not possible",
                              check.estimate.empty() ? "" : ": " + check.estimate);
  print_list(terminal, Ink::kGood, "proof:", check.proofs);
  print_list(terminal, Ink::kBad, "obstacle:", check.obstacles);
  print_list(terminal, Ink::kWarn, "cannot be undone:", check.irreversible);
}

int check_rollback(const Session& session, const Options& options, Daemon& daemon,
                   const control::Act& act) {
  const auto check = daemon.operations->rollback_check(act, options.release);
  if (!check) return report(session, options, daemon, check.error());
  if (options.json) {
    session.terminal.out << api::json_text(*check) << "\n";
  } else {
    print_check(session.terminal, act, *check);
  }
  return check->possible ? kDone : kRefused;
}

int rollback(const Session& session, const Options& options) {
  return with_environment(
      session, options,
      [&](const Session& s, const Common& c, Daemon& daemon, const control::Act& act) {
        if (options.check) return check_rollback(s, options, daemon, act);
        const auto ticket = daemon.operations->rollback(act, options.release);
        return follow_ticket(s, c, daemon, ticket, options.detach);
      });
}

}  // namespace

Verb rollback_verb() {
  return {
      "rollback", "Releases", "Back to the previous release, or to the one named",
      [](Arguments& arguments) -> Action {
        auto options = std::make_shared<Options>();
        arguments.number_positional("RELEASE", options->release,
                                    "Its number; default: the one before");
        declare_target(arguments, *options);
        declare_reason(arguments, *options);
        arguments.flag("--check", options->check, "Only prove that it is possible (else 3)");
        arguments.flag("-d,--detach", options->detach, "Return at once");
        return [options](const Session& session) { return rollback(session, *options); };
      },
      "A warm release is back in milliseconds; a cold one is started from its pinned artifact.\n"
      "Code, configuration and secret versions go back together."};
}

}  // namespace ecluse::cli
