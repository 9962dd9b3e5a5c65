#include <fmt/format.h>

#include <ostream>

#include "cli/background.h"
#include "cli/follow.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

constexpr std::chrono::seconds kEndMax{60};

struct Options : Common {
  bool all = false;
};

/// Every environment stops gracefully; the first that cannot stops us.
int stop_environments(const Session& session, const Options& options, Daemon& daemon) {
  const auto views = daemon.operations->status("");
  if (!views) return report(session, options, daemon, views.error());
  for (const auto& view : *views) {
    if (view.mode == "stopped" || view.instances.empty()) continue;
    const auto ticket = daemon.operations->stop(
        {view.key, "", options.reason.empty() ? "down --all" : options.reason});
    const int code = follow_ticket(session, options, daemon, ticket, false, Until::kEnds);
    if (code != kDone) return code;
  }
  return kDone;
}

Result<void> stop_all(const Session& session, const Places& places) {
  ECLUSE_TRY(session.roles.stop_instances(places));
  return session.roles.stop_gateway(places.gateway_socket());
}

int down(const Session& session, const Options& options) {
  auto daemon = daemon_of(session, options);
  const auto pong = daemon.ping();
  if (!pong) return report(session, options, daemon, pong.error());
  const auto places = places_of(session, pong->data, options.run);
  if (options.all) {
    if (!confirmed(session, options, "Stop every app on this machine, and the gateway?")) {
      return kRefused;
    }
    const int code = stop_environments(session, options, daemon);
    if (code != kDone) return code;
  }
  auto done = terminate(pong->pid, kEndMax);
  if (done && options.all) done = stop_all(session, places);
  if (!done) return report(session, options, done.error());
  return say_done(session, options,
                  options.all ? "everything is stopped"
                              : "the control plane is stopped; the gateway and the apps go on");
}

}  // namespace

Verb down_verb() {
  return {"down", "The machine", "Stop the control plane; the gateway and the apps go on",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            declare_daemon(arguments, *options);
            arguments.flag("--all", options->all, "Stop every app and the gateway, too");
            declare_reason(arguments, *options);
            declare_yes(arguments, *options);
            return [options](const Session& session) { return down(session, *options); };
          }};
}

}  // namespace ecluse::cli
