#include <ostream>

#include "api/json.h"
#include "api/wire.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

struct Options : Common {
  std::vector<std::string> argv;
};

int run(const Session& session, const Options& options) {
  return with_environment(
      session, options,
      [&](const Session& s, const Common& c, Daemon& daemon, const control::Act& act) {
        const auto print = [&](std::string_view line) {
          s.terminal.out << (c.json ? api::json_text(api::RunLine{std::string(line), {}})
                                    : std::string(line))
                         << std::endl;
        };
        const auto code = daemon.operations->run(act, options.argv, print, {});
        if (!code) return report(s, c, daemon, code.error());
        if (c.json) s.terminal.out << api::json_text(api::RunLine{{}, *code}) << "\n";
        return *code;
      });
}

}  // namespace

Verb run_verb() {
  return {"run", "Inside an app", "One command in the release: its variables, volumes and services",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            declare_target(arguments, *options);
            declare_reason(arguments, *options);
            arguments.command("COMMAND", options->argv, "The command and its arguments");
            return [options](const Session& session) { return run(session, *options); };
          },
          "The exit code is the command's. Its output comes as it is written. Ctrl-C stops it."};
}

}  // namespace ecluse::cli
