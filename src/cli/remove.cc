#include "cli/follow.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {
/// kDone when nothing of it runs any more.
int stop_first(const Session& session, const Common& common, Daemon& daemon,
               const control::Act& act) {
  const auto view = daemon.operations->environment(act.environment);
  if (!view) return report(session, common, daemon, view.error());
  if (view->mode == "stopped" || view->instances.empty()) return kDone;
  return follow_ticket(session, common, daemon, daemon.operations->stop(act), false, Until::kEnds);
}

int remove_environment(const Session& session, const Common& common) {
  return with_environment(
      session, common,
      [](const Session& s, const Common& c, Daemon& daemon, const control::Act& act) {
        const auto name = to_string(act.environment);
        const auto question = "Stop " + name + " and forget it with its releases? Its data stays.";
        if (!confirmed(s, c, question)) return static_cast<int>(kRefused);
        if (const int code = stop_first(s, c, daemon, act); code != kDone) return code;
        const auto removed = daemon.operations->remove(act, false);
        if (!removed) return report(s, c, daemon, removed.error());
        return say_done(s, c, name + " is removed; the data of its services and volumes stays");
      });
}
}  // namespace

Verb remove_verb() {
  return {
      "remove", "An app's life", "Stop an environment and forget it; its data stays",
      [](Arguments& arguments) -> Action {
        auto options = std::make_shared<Common>();
        declare_target(arguments, *options);
        declare_reason(arguments, *options);
        declare_yes(arguments, *options);
        return [options](const Session& session) { return remove_environment(session, *options); };
      },
      "Its history stays in `ecluse events`. A deploy makes it anew, with the data that stayed."};
}

}  // namespace ecluse::cli
