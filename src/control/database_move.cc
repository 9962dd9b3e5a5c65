#include "control/database_move.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/launch.h"

namespace ecluse::control {

namespace {
Result<std::string> database_url(const Ports& ports, const model::Release& release) {
  const auto& key = release.key.environment;
  ECLUSE_ASSIGN(const auto specs, services_of(ports, release));
  const auto found =
      std::ranges::find(specs, model::ServiceKind::kPostgres, &model::ServiceSpec::kind);
  if (found == specs.end())
    return fail(ErrorKind::kRefused,
                fmt::format("release {} of {} has no PostgreSQL service", release.key.number,
                            to_string(key)),
                "`services: {db: postgres}` in ecluse.yml, then `ecluse deploy`");
  ECLUSE_TRY(ports.services.ensure(key, *found));
  ECLUSE_ASSIGN(const auto variables, ports.services.variables(key, {*found}));
  return variables.at("DATABASE_URL");
}

std::uint64_t rows_of(const ports::MoveReport& report) {
  std::uint64_t rows = 0;
  for (const auto& table : report.tables) rows += table.rows;
  return rows;
}
}  // namespace

Result<ports::MoveReport> move_database(const Ports& ports, const Act& act,
                                        const model::Release& release, ports::MoveOrder order,
                                        const ports::LineSink& sink, const std::stop_token& stop,
                                        const Note& note) {
  if (!ports.move_database) return fail(ErrorKind::kRefused, "this daemon cannot move databases");
  ECLUSE_ASSIGN(order.url, database_url(ports, release));
  order.actor = act.actor;
  if (!order.dry_run)
    note("database.move_begun",
         {{"from", order.source}, {"replace", order.replace ? "yes" : "no"}});
  auto report = ports.move_database(
      order, [&](std::string_view line) { sink(ports.secrets.redact(line)); }, stop);
  if (order.dry_run) return report;
  const auto what =
      !report         ? report.error().message
      : report->moved ? fmt::format("{} rows of {} tables", rows_of(*report), report->tables.size())
                      : fmt::format("{} values do not fit", report->misfits_total);
  const bool moved = report && report->moved;
  note(moved ? "database.moved" : "database.not_moved", {{"from", order.source}, {"what", what}});
  return report;
}

}  // namespace ecluse::control
