#include "cli/follow.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {
struct Options : Common {
  bool detach = false;
};

int start_environment(const Session& session, const Options& options) {
  return with_environment(
      session, options,
      [&](const Session& s, const Common& c, Daemon& daemon, const control::Act& act) {
        return follow_ticket(s, c, daemon, daemon.operations->start(act), options.detach,
                             Until::kServes);
      });
}
}  // namespace

Verb start_verb() {
  return {
      "start", "An app's life", "Start a stopped environment", [](Arguments& arguments) -> Action {
        auto options = std::make_shared<Options>();
        declare_target(arguments, *options);
        declare_reason(arguments, *options);
        arguments.flag("-d,--detach", options->detach, "Return at once");
        return [options](const Session& session) { return start_environment(session, *options); };
      }};
}

}  // namespace ecluse::cli
