#pragma once
// `ecluse db move`: which database a release has, and what the audit log says of the move.

#include <functional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "control/operations.h"
#include "control/ports.h"

namespace ecluse::control {

using Facts = std::vector<std::pair<std::string, std::string>>;
using Note = std::function<void(const std::string& kind, const Facts& facts)>;

/// Moves into the first PostgreSQL service of `release`, which the app calls DATABASE_URL.
/// Blocking.
Result<ports::MoveReport> move_database(const Ports& ports, const Act& act,
                                        const model::Release& release, ports::MoveOrder order,
                                        const ports::LineSink& sink, const std::stop_token& stop,
                                        const Note& note);

}  // namespace ecluse::control
