#pragma once
// The move of an application's SQLite file into its PostgreSQL database, in one transaction: all of
// it is there and proven equal, or nothing has changed.

#include <filesystem>
#include <functional>
#include <stop_token>

#include "base/result.h"
#include "ports/database_move.h"
#include "ports/runtime.h"

namespace ecluse::transfer {

/// Reads a private copy of the file, made in `desk`, which is made and removed. `progress` gets a
/// line for each table. Refused: the target holds rows that the file does not have and `replace`
/// was not said. What does not fit is in the report, and nothing was changed. Blocking; ends soon
/// after `stop` is requested. Docs: docs/db-move.md.
Result<ports::MoveReport> move_database(const ports::MoveOrder& order,
                                        const std::filesystem::path& desk,
                                        const ports::LineSink& progress,
                                        const std::stop_token& stop);

/// move_database() with `folder` for its desks: what a crash left there is removed.
std::function<Result<ports::MoveReport>(const ports::MoveOrder&, const ports::LineSink&,
                                        const std::stop_token&)>
mover_in(const std::filesystem::path& folder);

}  // namespace ecluse::transfer
