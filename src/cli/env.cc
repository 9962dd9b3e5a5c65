#include <ostream>

#include "api/json.h"
#include "base/text.h"
#include "cli/table.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

struct Options : Common {
  std::string target;
};

int env(const Session& session, const Options& options) {
  return with_environment(
      session, options,
      [](const Session& s, const Common& c, Daemon& daemon, const control::Act& act) {
        const auto entries = daemon.operations->env(act.environment);
        if (!entries) return report(s, c, daemon, entries.error());
        if (c.json) {
          s.terminal.out << api::json_text(*entries) << "\n";
          return static_cast<int>(kDone);
        }
        Table table({"NAME", "VALUE", "FROM"});
        for (const auto& entry : *entries) {
          table.row({entry.name, readable(entry.value), entry.origin});
        }
        table.print(s.terminal);
        return static_cast<int>(kDone);
      },
      options.target);
}

}  // namespace

Verb env_verb() {
  return {"env", "Inside an app", "The variables that instances get; secrets by version, not value",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            arguments.positional("ENV", options->target, "The environment; default: the only one");
            declare_target(arguments, *options);
            return [options](const Session& session) { return env(session, *options); };
          }};
}

}  // namespace ecluse::cli
