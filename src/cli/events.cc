#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "api/json.h"
#include "base/text.h"
#include "cli/rollout_text.h"
#include "cli/target.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

constexpr Duration kPoll = std::chrono::seconds(20);

struct Options : Common {
  std::string kind;
  std::optional<std::uint32_t> limit;
  bool follow = false;
};

void print_event(const Session& session, const Options& options, const ports::StoredEvent& event) {
  const auto& terminal = session.terminal;
  if (options.json) {
    terminal.out << api::json_text(event) << "\n";
    return;
  }
  terminal.out << fmt::format("{:>6}  {}  {:<20} {:<24} {:<18} {}\n", event.sequence,
                              terminal.paint(Ink::kDim, short_time(event.wall)), event.subject,
                              terminal.paint(Ink::kBold, event.kind), event.actor,
                              readable(event.body == "{}" ? "" : event.body, 400));
}

Result<std::string> subject_of(const Session& session, const Options& options) {
  ECLUSE_ASSIGN(const auto app, resolve_app(session, options));
  if (app.empty()) return std::string();
  return options.environment.empty() ? app + "/" : app + "/" + options.environment;
}

int events(const Session& session, const Options& options) {
  const auto subject = subject_of(session, options);
  if (!subject) return report(session, options, subject.error(), kUsage);
  auto daemon = daemon_of(session, options);
  ports::EventQuery query{.subject_prefix = *subject,
                          .kind_prefix = options.kind,
                          .limit = options.limit.value_or(50),
                          .newest_first = true};
  auto found = daemon.operations->events(query);
  if (!found) return report(session, options, daemon, found.error());
  std::reverse(found->begin(), found->end());
  query.newest_first = false;
  while (true) {
    for (const auto& event : *found) print_event(session, options, event);
    session.terminal.out << std::flush;
    if (!found->empty()) query.after = found->back().sequence;
    if (!options.follow || !session.terminal.out) return kDone;
    found = daemon.operations->await_events(query, kPoll);
    if (!found) return report(session, options, daemon, found.error());
  }
}

}  // namespace

Verb events_verb() {
  return {"events", "History", "The audit log: what happened, who asked, why",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            declare_target(arguments, *options);
            arguments.value("--kind", "PREFIX", options->kind,
                            "Only kinds that begin so: rollout.");
            arguments.number("-n,--limit", "N", options->limit, "The last N; default 50");
            arguments.flag("-f,--follow", options->follow, "Go on as they come");
            return [options](const Session& session) { return events(session, *options); };
          },
          "With --json one event per line."};
}

}  // namespace ecluse::cli
