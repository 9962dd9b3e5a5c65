#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {
int resume_rollout(const Session& session, const Common& common) {
  return with_environment(
      session, common,
      [](const Session& s, const Common& c, Daemon& daemon, const control::Act& act) {
        const auto done = daemon.operations->resume(act);
        if (!done) return report(s, c, daemon, done.error());
        return say_done(s, c, to_string(act.environment) + ": the rollout goes on");
      });
}
}  // namespace

Verb resume_verb() {
  return {"resume", "Releases", "Let a paused rollout go on", [](Arguments& arguments) -> Action {
            auto common = std::make_shared<Common>();
            declare_target(arguments, *common);
            declare_reason(arguments, *common);
            return [common](const Session& session) { return resume_rollout(session, *common); };
          }};
}

}  // namespace ecluse::cli
