#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {
int abort_rollout(const Session& session, const Common& common) {
  return with_environment(
      session, common,
      [](const Session& s, const Common& c, Daemon& daemon, const control::Act& act) {
        const auto done = daemon.operations->abort(act);
        if (!done) return report(s, c, daemon, done.error());
        return say_done(s, c,
                        to_string(act.environment) +
                            ": the rollout is aborted; the release before it carries the traffic");
      });
}
}  // namespace

Verb abort_verb() {
  return {"abort", "Releases",
          "Abort the running rollout: its weight to 0 at once, the old release as before",
          [](Arguments& arguments) -> Action {
            auto common = std::make_shared<Common>();
            declare_target(arguments, *common);
            declare_reason(arguments, *common);
            return [common](const Session& session) { return abort_rollout(session, *common); };
          }};
}

}  // namespace ecluse::cli
