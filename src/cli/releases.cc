#include <fmt/format.h>

#include <nlohmann/json.hpp>
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

struct Options : Common {
  std::string act;
  std::optional<std::uint32_t> number;
};

/// The gravest findings of the audit that let it pass, a line each.
std::string audit_text(const std::string& audit) {
  const auto root = nlohmann::json::parse(audit, nullptr, false);
  if (!root.is_object()) return "audit      none was made\n";
  const auto by_severity = root.value("counts", nlohmann::json::object());
  std::string counts;
  for (const auto& [severity, count] : by_severity.items())
    counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count.get<int>(), severity);
  std::string text = fmt::format("audit      {}\n", counts.empty() ? "nothing found" : counts);
  for (const auto& each : root.value("findings", nlohmann::json::array())) {
    const auto path = each.value("path", "");  // empty: about the repository as a whole
    const auto place =
        path.empty() ? "" : fmt::format("{}:{} ", readable(path), each.value("line", 0));
    text += fmt::format("  {} {} {}{}\n", each.value("severity", ""), each.value("rule", ""), place,
                        readable(each.value("evidence", "")));
    const auto accepted = each.value("accepted", "");
    if (!accepted.empty()) text += fmt::format("    {}\n", readable(accepted));
  }
  return text;
}

int show(const Session& session, const Options& options,
         const std::vector<control::ReleaseView>& views) {
  for (const auto& view : views) {
    const auto& release = view.release;
    if (release.key.number != *options.number) continue;
    if (options.json) {
      session.terminal.out << api::json_text(view) << "\n";
      return kDone;
    }
    session.terminal.out << fmt::format(
        "release    {} ({})\ncommit     {} {}\nartifact   {}\nmade       {} by {}\n{}",
        release.key.number, state_of(view), short_commit(release.commit.sha),
        readable(release.commit.subject, 50), release.artifact.digest,
        short_time(release.created_at), release.created_by, audit_text(release.audit));
    return kDone;
  }
  return report(session, options,
                {ErrorKind::kNotFound, fmt::format("there is no release {}", *options.number),
                 "`ecluse releases` lists them"});
}

Error unknown_act(const Options& options) {
  if (options.act == "show")
    return {ErrorKind::kInvalid, "the release's NUMBER is missing", "as `ecluse releases show 3`"};
  return {ErrorKind::kInvalid, fmt::format("releases does show, not {}", options.act),
          "`ecluse releases show NUMBER`"};
}

int releases(const Session& session, const Options& options) {
  const bool shows = options.act == "show" && options.number;
  if (!options.act.empty() && !shows) return report(session, options, unknown_act(options), kUsage);
  return with_environment(
      session, options,
      [&](const Session& s, const Common& c, Daemon& daemon, const control::Act& act) {
        const auto views = daemon.operations->releases(act.environment);
        if (!views) return report(s, c, daemon, views.error());
        if (shows) return show(s, options, *views);
        if (c.json) {
          s.terminal.out << api::json_text(*views) << "\n";
          return static_cast<int>(kDone);
        }
        Table table({"RELEASE", "STATE", "COMMIT", "MADE", "BY", "SUBJECT"});
        for (const auto& view : *views) {
          table.row({fmt::format("{}", view.release.key.number), state_of(view),
                     short_commit(view.release.commit.sha), short_time(view.release.created_at),
                     view.release.created_by, readable(view.release.commit.subject, 50)});
        }
        table.print(s.terminal);
        return static_cast<int>(kDone);
      });
}

}  // namespace

Verb releases_verb() {
  return {"releases", "History", "The releases of an environment, and which can be rolled back to",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            arguments.positional("ACT", options->act,
                                 "show: one of them, with what its audit found", false, {"show"});
            arguments.number_positional("NUMBER", options->number, "Which one to show");
            declare_target(arguments, *options);
            return [options](const Session& session) { return releases(session, *options); };
          }};
}

}  // namespace ecluse::cli
