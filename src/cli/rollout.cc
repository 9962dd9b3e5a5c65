#include <fmt/format.h>

#include <ostream>

#include "api/json.h"
#include "cli/follow.h"
#include "cli/rollout_text.h"
#include "cli/table.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

constexpr std::size_t kListed = 20;

struct Options : Common {
  std::string rollout;
  bool watch = false;
};

int list_rollouts(const Session& session, const Options& options) {
  return with_environment(
      session, options,
      [](const Session& s, const Common& c, Daemon& daemon, const control::Act& act) {
        const auto views = daemon.operations->rollouts(act.environment, kListed);
        if (!views) return report(s, c, daemon, views.error());
        if (c.json) {
          s.terminal.out << api::json_text(*views) << "\n";
          return static_cast<int>(kDone);
        }
        Table table({"ROLLOUT", "KIND", "RELEASE", "STATE", "BEGAN", "BY", "WHY"});
        for (const auto& view : *views) {
          table.row({view.id, view.kind, fmt::format("{}", view.release), state_of(view),
                     short_time(view.started_at), view.actor, view.reason});
        }
        table.print(s.terminal);
        return static_cast<int>(kDone);
      },
      options.rollout);
}

void print_rollout(const Terminal& terminal, const control::RolloutView& view) {
  terminal.out << terminal.paint(Ink::kBold, headline(view)) << "\n";
  for (const auto& line : stage_lines(terminal, view)) terminal.out << line << "\n";
  terminal.out << "  " << state_of(view) << ", since " << short_time(view.started_at) << "\n"
               << std::flush;
  if (!view.waiting_for.empty()) terminal.out << "  waits for " << view.waiting_for << "\n";
  const bool bad =
      view.outcome == control::Outcome::kAborted || view.outcome == control::Outcome::kFailed;
  if (bad) print_failure(terminal, view);
}

int show_rollout(const Session& session, const Options& options) {
  auto daemon = daemon_of(session, options);
  if (options.watch) return follow(session, options, daemon, options.rollout, Until::kEnds);
  const auto view = daemon.operations->rollout(options.rollout);
  if (!view) return report(session, options, daemon, view.error());
  if (options.json) {
    session.terminal.out << api::json_text(*view) << "\n";
  } else {
    print_rollout(session.terminal, *view);
  }
  return kDone;
}

}  // namespace

Verb rollout_verb() {
  return {"rollout", "History", "One rollout with its stages and evidence, or the last ones",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            arguments.positional("ROLLOUT", options->rollout,
                                 "As lettings/prod@12; without a number: the last ones");
            declare_target(arguments, *options);
            arguments.flag("-w,--watch", options->watch, "Follow it to its end");
            return [options](const Session& session) {
              const bool named = options->rollout.find('@') != std::string::npos;
              return named ? show_rollout(session, *options) : list_rollouts(session, *options);
            };
          }};
}

}  // namespace ecluse::cli
