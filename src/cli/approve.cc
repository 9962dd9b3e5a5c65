#include <fmt/format.h>

#include <istream>
#include <ostream>

#include "cli/follow.h"
#include "cli/rollout_text.h"
#include "cli/target.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

struct Options : Common {
  std::string rollout;
  std::string confirmation;
  bool detach = false;
};

/// The rollout that waits in the environment, when none was named.
Result<control::RolloutView> waiting_rollout(const Session& session, const Options& options,
                                             Daemon& daemon) {
  if (options.rollout.find('@') != std::string::npos) {
    return daemon.operations->rollout(options.rollout);
  }
  ECLUSE_ASSIGN(const auto key,
                resolve_environment(session, options, *daemon.operations, options.rollout));
  ECLUSE_ASSIGN(const auto view, daemon.operations->environment(key));
  if (view.rollout && waits_for_person(*view.rollout)) return *view.rollout;
  for (const auto& id : view.queued) {
    const auto queued = daemon.operations->rollout(id);
    if (queued && waits_for_person(*queued)) return queued;
  }
  return fail(ErrorKind::kNotFound, fmt::format("nothing waits in {}", to_string(key)),
              "`ecluse status` shows what waits for whom");
}

/// A typed word is asked for on the terminal when the gate wants one and none was given.
std::string confirmation_for(const Session& session, const Options& options,
                             const control::RolloutView& rollout) {
  const bool wants_word = rollout.waiting_for.starts_with("the word ");
  if (!options.confirmation.empty() || !wants_word || !session.terminal.in_is_tty) {
    return options.confirmation;
  }
  session.terminal.err << headline(rollout) << "\n  waits for " << rollout.waiting_for
                       << "\nType the word: " << std::flush;
  std::string word;
  std::getline(session.terminal.in, word);
  return word;
}

int approve(const Session& session, const Options& options) {
  auto daemon = daemon_of(session, options);
  const auto rollout = waiting_rollout(session, options, daemon);
  if (!rollout) return report(session, options, daemon, rollout.error());
  const auto word = confirmation_for(session, options, *rollout);
  const auto done =
      daemon.operations->approve({rollout->environment, "", options.reason}, rollout->id, word);
  if (!done) return report(session, options, daemon, done.error());
  return follow_ticket(session, options, daemon, control::Ticket{rollout->id, ""}, options.detach);
}

}  // namespace

Verb approve_verb() {
  return {"approve", "Releases", "Open the gate that a rollout waits at",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            arguments.positional("ROLLOUT", options->rollout,
                                 "As lettings/prod@12; default: the one that waits");
            declare_target(arguments, *options);
            declare_reason(arguments, *options);
            arguments.value("--confirm", "WORD", options->confirmation,
                            "The word that `confirm:` asks for");
            arguments.flag("-d,--detach", options->detach, "Return at once");
            return [options](const Session& session) { return approve(session, *options); };
          }};
}

}  // namespace ecluse::cli
