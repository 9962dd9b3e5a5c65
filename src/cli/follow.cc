#include "cli/follow.h"

#include <fmt/format.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ostream>

#include "api/json.h"
#include "cli/rollout_text.h"
#include "cli/trial_picture.h"
#include "control/examination.h"

namespace ecluse::cli {

namespace {

using Clock = std::chrono::steady_clock;
/// Nothing need happen for the elapsed time to grow; without a terminal only events matter.
constexpr Duration kRefreshOnTerminal{250};
constexpr Duration kRefreshElsewhere{1000};
/// A daemon that restarts (an upgrade, a crash) is waited for this long.
constexpr Duration kAwayMax = std::chrono::seconds(30);

volatile std::sig_atomic_t interrupted = 0;

/// Ctrl-C sets a flag while this lives; before and after it ends the program as ever.
class InterruptWatch {
 public:
  InterruptWatch() {
    interrupted = 0;
    struct sigaction action{};
    action.sa_handler = [](int) { interrupted = 1; };
    sigaction(SIGINT, &action, &before_);
  }
  ~InterruptWatch() { sigaction(SIGINT, &before_, nullptr); }
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

 private:
  struct sigaction before_{};
};

/// Draws views one after another.
class Progress {
 public:
  explicit Progress(const Terminal& terminal) : terminal_(terminal) {}

  /// `trial`: what the judge sees of it, while it is before the judge.
  void show(const control::RolloutView& view, const std::optional<TrialPicture>& trial) {
    terminal_.out_is_tty ? redraw(view, trial) : print_changes(view, trial);
  }

 private:
  void redraw(const control::RolloutView& view, const std::optional<TrialPicture>& trial) {
    std::string text = drawn_lines_ == 0 ? "" : fmt::format("\x1b[{}A\x1b[J", drawn_lines_);
    const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - since_);
    auto lines = stage_lines(terminal_, view);
    lines.insert(lines.begin(), terminal_.paint(Ink::kBold, headline(view)));
    lines.push_back(fmt::format("  {}  {}", state_of(view),
                                terminal_.paint(Ink::kDim, fmt::format("{}s", elapsed.count()))));
    if (trial) {
      const auto seen = watch_lines(terminal_, *trial);
      lines.insert(lines.end(), seen.begin(), seen.end());
    }
    for (const auto& line : lines) text += line + "\n";
    drawn_lines_ = lines.size();
    terminal_.out << text << std::flush;
  }

  void print_changes(const control::RolloutView& view, const std::optional<TrialPicture>& trial) {
    if (view.stages.empty() && view.waiting_for.empty() && !said_headline_) return;
    if (!said_headline_) terminal_.out << headline(view) << "\n";
    if (!said_headline_ && view.stages.empty()) {
      terminal_.out << "waits for " << view.waiting_for << std::endl;
    }
    said_headline_ = true;
    for (std::size_t i = 0; i < view.stages.size(); ++i) {
      const auto& stage = view.stages[i];
      if (stage.state == control::StageState::kPending) continue;
      const auto line = plain_stage(stage);
      if (said_.size() <= i) said_.resize(i + 1);
      if (said_[i] != line) terminal_.out << line << "\n";
      said_[i] = line;
    }
    for (; trial && said_verdicts_ < trial->verdicts.size(); ++said_verdicts_) {
      const auto& made = trial->verdicts[said_verdicts_];
      terminal_.out << "the judge: " << made.verdict << ": " << made.reason << "\n";
    }
    terminal_.out << std::flush;
  }

  const Terminal& terminal_;
  const Clock::time_point since_ = Clock::now();
  std::size_t drawn_lines_ = 0;
  bool said_headline_ = false;
  std::size_t said_verdicts_ = 0;
  std::vector<std::string> said_;
};

/// Queued behind another rollout, or paused, is no end: only a gate needs a person.
bool is_over(const control::RolloutView& view, Until until) {
  if (view.outcome != control::Outcome::kRunning) return true;
  if (until == Until::kEnds) return false;
  return view.serving || waits_for_person(view);
}

std::string success(const control::RolloutView& view) {
  const auto environment = to_string(view.environment);
  if (view.kind == "stop") return environment + " is stopped";
  if (!view.reason.empty()) return view.reason;
  const bool baking = view.outcome == control::Outcome::kRunning;
  return fmt::format("release {} serves {}{}", view.release, environment,
                     baking ? fmt::format(" ({})", view.phase) : "");
}

void print_conclusion(const Terminal& terminal, const control::RolloutView& view, bool good) {
  if (good) {
    terminal.out << terminal.paint(Ink::kGood, success(view)) << "\n";
  } else if (view.outcome == control::Outcome::kRunning) {
    terminal.out << terminal.paint(Ink::kWarn, "waits for ") << view.waiting_for << "\n";
  } else if (view.outcome == control::Outcome::kSuperseded) {
    terminal.err << "superseded: " << view.reason << "\n";
  } else {
    print_failure(terminal, view);
  }
}

/// Its examination refused it: the gate that only a running app meets.
bool is_refused(control::Operations& operations, const control::RolloutView& view) {
  const auto releases = operations.releases(view.environment);
  if (!releases) return false;  // the daemon went away since: it failed, for all that is known
  const auto found = std::ranges::find(*releases, view.release,
                                       [](const auto& each) { return each.release.key.number; });
  return found != releases->end() && control::is_blocked(found->release.audit);
}

int conclude(const Session& session, const Common& common, control::Operations& operations,
             const control::RolloutView& view) {
  const bool running = view.outcome == control::Outcome::kRunning;
  const bool good = view.outcome == control::Outcome::kDone || (running && view.serving);
  if (common.json) {
    session.terminal.out << api::json_text(view) << "\n";
  } else {
    print_conclusion(session.terminal, view, good);
  }
  if (good) return kDone;
  return running || is_refused(operations, view) ? kRefused : kFailed;
}

int detached(const Session& session, const control::RolloutId& id) {
  session.terminal.err << fmt::format(
      "\nDetached; {0} goes on.\n  follow it: ecluse rollout {0} --watch\n  stop it:   ecluse "
      "abort "
      "{1}\n",
      id, id.substr(0, id.find('@')));
  return kDetached;
}

/// What happened before we look is in the first view already.
std::uint64_t newest_event(control::Operations& operations) {
  const auto events = operations.events({.limit = 1, .newest_first = true});
  return events && !events->empty() ? events->front().sequence : 0;
}

/// Waits for the next event of the rollout's environment, at most one refresh.
void wait_for_news(const Session& session, control::Operations& operations,
                   const control::RolloutId& id, std::uint64_t& seen) {
  ports::EventQuery query{
      .subject_prefix = id.substr(0, id.find('@')), .after = seen, .limit = 1000};
  const auto refresh = session.terminal.out_is_tty ? kRefreshOnTerminal : kRefreshElsewhere;
  const auto events = operations.await_events(query, refresh);
  if (events && !events->empty()) seen = events->back().sequence;
}

/// Nothing where there is no trial: most rollouts have none, and one that has none yet is no error.
std::optional<TrialPicture> trial_of(control::Operations& operations,
                                     const control::RolloutId& id) {
  const auto json = operations.trial(id);
  if (!json) return std::nullopt;
  auto picture = trial_picture(*json);
  return picture ? std::optional(*std::move(picture)) : std::nullopt;
}

}  // namespace

int follow(const Session& session, const Common& common, Daemon& daemon,
           const control::RolloutId& id, Until until) {
  const InterruptWatch watch;
  Progress progress(session.terminal);
  auto heard_at = Clock::now();
  std::uint64_t seen = newest_event(*daemon.operations);
  while (interrupted == 0) {
    const auto view = daemon.operations->rollout(id);
    if (view) {
      heard_at = Clock::now();
      if (!common.json) progress.show(*view, trial_of(*daemon.operations, id));
      if (is_over(*view, until)) return conclude(session, common, *daemon.operations, *view);
    } else if (!daemon.is_away() || Clock::now() - heard_at > kAwayMax) {
      return report(session, common, daemon, view.error());
    }
    wait_for_news(session, *daemon.operations, id, seen);
  }
  return detached(session, id);
}

int follow_ticket(const Session& session, const Common& common, Daemon& daemon,
                  const Result<control::Ticket>& ticket, bool detach, Until until) {
  if (!ticket) return report(session, common, daemon, ticket.error());
  if (!ticket->note.empty() && !common.json) session.terminal.out << ticket->note << "\n";
  if (!ticket->rollout.empty() && !detach) {
    return follow(session, common, daemon, ticket->rollout, until);
  }
  if (common.json) {
    session.terminal.out << api::json_text(*ticket) << "\n";
  } else if (!ticket->rollout.empty()) {
    session.terminal.out << fmt::format("{0} has begun; follow it: ecluse rollout {0} --watch\n",
                                        ticket->rollout);
  }
  return kDone;
}

}  // namespace ecluse::cli
