#pragma once
// A verb of the command line. verbs.cc has the table; each verb has a file of its own.

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "cli/arguments.h"
#include "cli/session.h"

namespace ecluse::cli {

using Action = std::function<int(const Session&)>;

struct Verb {
  std::string name;
  std::string group;
  std::string help;  ///< one sentence
  /// Declares what it takes and returns what it does once those are parsed.
  std::function<Action(Arguments&)> declare;
  std::string details = {};
};

/// In the order in which `ecluse --help` shows them.
std::span<const Verb> verbs();

/// Parses and runs; the result is the exit code. `words` is without the program's name.
int run_command_line(const Session& session, const std::vector<std::string>& words);

// ---- Declared once, used by most verbs ----------------------------------------------------------

void declare_json(Arguments& arguments, Common& common);
/// --json and --run.
void declare_daemon(Arguments& arguments, Common& common);
/// --app and --to, too.
void declare_target(Arguments& arguments, Common& common);
/// --reason, for acts.
void declare_reason(Arguments& arguments, Common& common);
void declare_yes(Arguments& arguments, Common& common);

/// "{"ok":true}", or the sentence.
int say_done(const Session& session, const Common& common, const std::string& sentence);

Daemon daemon_of(const Session& session, const Common& common);

/// A verb that does one thing to one environment: resolve, act, report.
using EnvironmentAct =
    std::function<int(const Session&, const Common&, Daemon&, const control::Act&)>;
int with_environment(const Session& session, const Common& common, const EnvironmentAct& act,
                     const std::string& positional = {});

}  // namespace ecluse::cli
