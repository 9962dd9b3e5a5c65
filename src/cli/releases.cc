#include <fmt/format.h>

#include <ostream>

#include "api/json.h"
#include "base/text.h"
#include "cli/rollout_text.h"
#include "cli/table.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

std::string state_of(const control::ReleaseView& view) {
  if (view.stable) return "serving";
  if (view.warm) return "warm";
  return view.retained ? "kept" : "gone";
}

int releases(const Session& session, const Common& common) {
  return with_environment(
      session, common,
      [](const Session& s, const Common& c, Daemon& daemon, const control::Act& act) {
        const auto views = daemon.operations->releases(act.environment);
        if (!views) return report(s, c, daemon, views.error());
        if (c.json) {
          s.terminal.out << api::json_text(*views) << "\n";
          return static_cast<int>(kDone);
        }
        Table table({"RELEASE", "STATE", "COMMIT", "MADE", "BY", "SUBJECT"});
        for (const auto& view : *views) {
          table.row({fmt::format("{}", view.release.key.number), state_of(view),
                     short_commit(view.release.commit.sha), short_time(view.release.created_at),
                     view.release.created_by, printable(view.release.commit.subject, 50)});
        }
        table.print(s.terminal);
        return static_cast<int>(kDone);
      });
}

}  // namespace

Verb releases_verb() {
  return {"releases", "History", "The releases of an environment, and which can be rolled back to",
          [](Arguments& arguments) -> Action {
            auto common = std::make_shared<Common>();
            declare_target(arguments, *common);
            return [common](const Session& session) { return releases(session, *common); };
          }};
}

}  // namespace ecluse::cli
