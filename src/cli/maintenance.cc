#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

struct Options : Common {
  std::string state;
};

int maintenance(const Session& session, const Options& options) {
  if (options.state != "on" && options.state != "off") {
    return report(session, options,
                  {ErrorKind::kInvalid, "maintenance is on or off, not " + options.state,
                   "`ecluse maintenance on`"},
                  kUsage);
  }
  const bool on = options.state == "on";
  return with_environment(
      session, options,
      [on](const Session& s, const Common& c, Daemon& daemon, const control::Act& act) {
        const auto done = daemon.operations->maintenance(act, on);
        if (!done) return report(s, c, daemon, done.error());
        return say_done(s, c,
                        to_string(act.environment) +
                            (on ? ": the maintenance page is shown" : ": the app answers again"));
      });
}

}  // namespace

Verb maintenance_verb() {
  return {"maintenance", "An app's life",
          "Show the maintenance page instead of the app, or stop that",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            arguments.positional("STATE", options->state, "on or off", true, {"on", "off"});
            declare_target(arguments, *options);
            declare_reason(arguments, *options);
            return [options](const Session& session) { return maintenance(session, *options); };
          }};
}

}  // namespace ecluse::cli
