#include "cli/follow.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {
struct Options : Common {
  bool detach = false;
};

int restart_environment(const Session& session, const Options& options) {
  return with_environment(
      session, options,
      [&](const Session& s, const Common& c, Daemon& daemon, const control::Act& act) {
        return follow_ticket(s, c, daemon, daemon.operations->restart(act), options.detach,
                             Until::kServes);
      });
}
}  // namespace

Verb restart_verb() {
  return {
      "restart", "An app's life", "Fresh instances of the same release, without losing a request",
      [](Arguments& arguments) -> Action {
        auto options = std::make_shared<Options>();
        declare_target(arguments, *options);
        declare_reason(arguments, *options);
        arguments.flag("-d,--detach", options->detach, "Return at once");
        return [options](const Session& session) { return restart_environment(session, *options); };
      }};
}

}  // namespace ecluse::cli
