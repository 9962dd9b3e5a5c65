#include <fmt/format.h>

#include <filesystem>
#include <ostream>

#include "api/json.h"
#include "api/wire.h"
#include "base/text.h"
#include "cli/table.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

struct Options : Common {
  std::string act;
  std::string from;
  bool dry_run = false;
  bool replace = false;
  bool drop_nul = false;
  std::vector<std::string> without;
};

std::string place_of(const ports::Misfit& misfit) {
  auto place = misfit.column.empty() ? misfit.table : misfit.table + "." + misfit.column;
  return misfit.key.empty() ? place : fmt::format("{} ({})", place, misfit.key);
}

void print_misfits(const Session& session, const ports::MoveReport& report) {
  auto& out = session.terminal.out;
  out << fmt::format("{} values or tables do not fit; nothing was changed\n", report.misfits_total);
  for (const auto& misfit : report.misfits)
    out << fmt::format("{}: {}\n  fix: {}\n", readable(place_of(misfit)), misfit.what, misfit.fix);
  if (report.misfits_total > report.misfits.size())
    out << fmt::format("and {} more\n", report.misfits_total - report.misfits.size());
}

void print_report(const Session& session, const ports::MoveReport& report) {
  for (const auto& note : report.notes) session.terminal.out << "note: " << note << "\n";
  if (report.misfits_total > 0) return print_misfits(session, report);
  std::uint64_t rows = 0;
  for (const auto& table : report.tables) rows += table.rows;
  session.terminal.out << fmt::format(
      "{} rows of {} tables {}, row counts and checksums are equal on both sides\n", rows,
      report.tables.size(), report.moved ? "are moved" : "would be moved: nothing was changed");
}

int move(const Session& session, const Options& options, Daemon& daemon, const control::Act& act) {
  const ports::MoveOrder order{
      .source = std::filesystem::absolute(session.folder / options.from).lexically_normal(),
      .dry_run = options.dry_run,
      .replace = options.replace,
      .drop_nul = options.drop_nul,
      .without = options.without};
  const auto question =
      fmt::format("Delete what the database of {} holds and put the rows of {} in its place?",
                  to_string(act.environment), order.source);
  if (order.replace && !order.dry_run && !confirmed(session, options, question)) return kRefused;
  const auto progress = [&](std::string_view line) {
    if (!options.json) session.terminal.out << line << std::endl;
  };
  const auto report_of = daemon.operations->move_database(act, order, progress, {});
  if (!report_of) return report(session, options, daemon, report_of.error());
  if (options.json) {
    session.terminal.out << api::json_text(*report_of) << "\n";
  } else {
    print_report(session, *report_of);
  }
  return report_of->misfits_total > 0 ? kRefused : kDone;
}

int db(const Session& session, const Options& options) {
  if (options.act != "move")
    return report(session, options,
                  {ErrorKind::kInvalid, fmt::format("db does move, not {}", printable(options.act)),
                   "`ecluse db move --from db.sqlite3 --to ENV`"},
                  kUsage);
  if (options.from.empty())
    return report(session, options,
                  {ErrorKind::kInvalid, "--from PATH is missing: the SQLite file", ""}, kUsage);
  return with_environment(session, options,
                          [&](const Session& s, const Common&, Daemon& daemon,
                              const control::Act& act) { return move(s, options, daemon, act); });
}

}  // namespace

Verb db_verb() {
  return {"db", "Inside an app", "Move a SQLite file into the environment's PostgreSQL",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            arguments.positional("ACT", options->act, "move", true, {"move"});
            arguments.value("--from", "PATH", options->from, "The SQLite file; never touched");
            arguments.flag("--dry-run", options->dry_run,
                           "Try everything in temporary tables, change nothing");
            arguments.flag("--replace", options->replace,
                           "Delete what the database holds; asks, or --yes");
            arguments.flag("--drop-nul", options->drop_nul,
                           "Leave NUL characters of texts out; PostgreSQL cannot keep them");
            arguments.values("--without", "NAME", options->without,
                             "TABLE or TABLE.COLUMN that stays behind; may be repeated");
            declare_target(arguments, *options);
            declare_reason(arguments, *options);
            declare_yes(arguments, *options);
            return [options](const Session& session) { return db(session, *options); };
          },
          "All tables in one transaction: everything is there and proven equal, or nothing has "
          "changed.\nThe schema is the deployed release's own. Ends with 3 when something does not "
          "fit."};
}

}  // namespace ecluse::cli
