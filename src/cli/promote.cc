#include "cli/follow.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

struct Options : Common {
  std::string target;
  std::string confirmation;
  std::string without_backup;
  bool now = false;
  bool detach = false;
};

int promote(const Session& session, const Options& options) {
  return with_environment(
      session, options,
      [&](const Session& s, const Common& c, Daemon& daemon, const control::Act& act) {
        if (!options.now) {
          auto wanted = act;
          wanted.without_backup = options.without_backup;
          const auto ticket = daemon.operations->promote(wanted, options.confirmation);
          return follow_ticket(s, c, daemon, ticket, options.detach);
        }
        const auto done = daemon.operations->promote_now(act);
        if (!done) return report(s, c, daemon, done.error());
        return say_done(s, c, to_string(act.environment) + ": the holds are skipped");
      },
      options.target);
}

}  // namespace

Verb promote_verb() {
  return {"promote", "Releases", "Bring the very artifact of `promote_from` to an environment",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            arguments.positional("ENV", options->target, "The environment that receives it");
            declare_target(arguments, *options);
            declare_reason(arguments, *options);
            arguments.flag("--now", options->now, "Skip the holds of the running rollout instead");
            arguments.value("--confirm", "WORD", options->confirmation,
                            "The word that `confirm:` asks for");
            arguments.value("--without-backup", "REASON", options->without_backup,
                            "No proven backup before its jobs; audited");
            arguments.flag("-d,--detach", options->detach, "Return at once");
            return [options](const Session& session) { return promote(session, *options); };
          }};
}

}  // namespace ecluse::cli
