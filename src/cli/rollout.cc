#include <fmt/format.h>

#include <ostream>

#include "api/json.h"
#include "cli/follow.h"
#include "cli/rollout_text.h"
#include "cli/table.h"
#include "cli/trial_picture.h"
#include "cli/verbs_list.h"
#include "os/file.h"

namespace ecluse::cli {

namespace {

constexpr std::size_t kListed = 20;

struct Options : Common {
  std::string rollout;
  std::string reported;
  std::string html;
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

int write_report(const Session& session, const Options& options, Daemon& daemon,
                 const control::RolloutId& id) {
  const auto json = daemon.operations->trial(id);
  if (!json) return report(session, options, daemon, json.error());
  if (options.json) {
    session.terminal.out << *json << "\n";
    return kDone;
  }
  const auto picture = trial_picture(*json);
  if (!picture) return report(session, options, daemon, picture.error());
  if (options.html.empty()) {
    session.terminal.out << report_text(session.terminal, *picture);
    return kDone;
  }
  const auto written = os::replace_file(session.folder / options.html, report_page(*picture));
  if (!written) return report(session, options, daemon, written.error());
  session.terminal.out << "wrote " << options.html << "\n";
  return kDone;
}

/// `rollout report lettings/prod@12`, or `rollout report 12` where the environment is clear.
int report_rollout(const Session& session, const Options& options) {
  if (options.reported.find('@') != std::string::npos) {
    auto daemon = daemon_of(session, options);
    return write_report(session, options, daemon, options.reported);
  }
  return with_environment(
      session, options,
      [&](const Session& s, const Common&, Daemon& daemon, const control::Act& act) {
        return write_report(s, options, daemon,
                            fmt::format("{}@{}", to_string(act.environment), options.reported));
      },
      "");
}

}  // namespace

Verb rollout_verb() {
  return {"rollout", "History", "One rollout with its stages and evidence, or the last ones",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            arguments.positional("ROLLOUT", options->rollout,
                                 "As lettings/prod@12; without a number: the last ones; `report`: "
                                 "what the judge saw and said");
            arguments.positional("REPORTED", options->reported,
                                 "With `report`: the rollout, as lettings/prod@12 or 12");
            declare_target(arguments, *options);
            arguments.flag("-w,--watch", options->watch,
                           "Follow it to its end, with both arms and the evidence");
            arguments.value("--html", "FILE", options->html,
                            "With `report`: write it there as one page with plots");
            return [options](const Session& session) {
              if (options->rollout == "report") return report_rollout(session, *options);
              const bool named = options->rollout.find('@') != std::string::npos;
              return named ? show_rollout(session, *options) : list_rollouts(session, *options);
            };
          }};
}

}  // namespace ecluse::cli
