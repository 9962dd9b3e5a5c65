#include "cli/verb.h"

#include <ostream>

#include "api/json.h"
#include "api/wire.h"
#include "cli/target.h"

namespace ecluse::cli {

void declare_json(Arguments& arguments, Common& common) {
  arguments.flag("--json", common.json, "Answer in JSON");
}

void declare_daemon(Arguments& arguments, Common& common) {
  declare_json(arguments, common);
  arguments.value("--run", "FOLDER", common.run, "The daemon's run folder ($ECLUSE_RUN)");
}

void declare_target(Arguments& arguments, Common& common) {
  declare_daemon(arguments, common);
  arguments.value("--app", "APP", common.app, "The app; default: that of the ecluse.yml around");
  arguments.value("-e,--environment,--to", "ENV", common.environment,
                  "The environment; default: the only one");
}

void declare_reason(Arguments& arguments, Common& common) {
  arguments.value("--reason", "TEXT", common.reason, "Why; kept in the audit log");
}

void declare_yes(Arguments& arguments, Common& common) {
  arguments.flag("-y,--yes", common.yes, "Do not ask");
}

int say_done(const Session& session, const Common& common, const std::string& sentence) {
  session.terminal.out << (common.json ? api::json_text(api::Done{}) : sentence) << "\n";
  return kDone;
}

Daemon daemon_of(const Session& session, const Common& common) {
  return session.connect(places_of(session, "", common.run).api_socket());
}

int with_environment(const Session& session, const Common& common, const EnvironmentAct& act,
                     const std::string& positional) {
  auto daemon = daemon_of(session, common);
  const auto key = resolve_environment(session, common, *daemon.operations, positional);
  if (!key && key.error().kind == ErrorKind::kInvalid) {
    return report(session, common, key.error(), kUsage);
  }
  if (!key) return report(session, common, daemon, key.error());
  return act(session, common, daemon, {*key, "", common.reason});
}

}  // namespace ecluse::cli
