#include "cli/follow.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {
struct Options : Common {
  bool detach = false;
};

int stop_environment(const Session& session, const Options& options) {
  return with_environment(
      session, options,
      [&](const Session& s, const Common& c, Daemon& daemon, const control::Act& act) {
        const auto question = "Stop " + to_string(act.environment) + "? Its users get 503.";
        if (!confirmed(s, c, question)) return static_cast<int>(kRefused);
        return follow_ticket(s, c, daemon, daemon.operations->stop(act), options.detach,
                             Until::kEnds);
      });
}
}  // namespace

Verb stop_verb() {
  return {"stop", "An app's life", "Stop the instances; the site answers 503 until start",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            declare_target(arguments, *options);
            declare_reason(arguments, *options);
            declare_yes(arguments, *options);
            arguments.flag("-d,--detach", options->detach, "Return at once");
            return
                [options](const Session& session) { return stop_environment(session, *options); };
          }};
}

}  // namespace ecluse::cli
