#pragma once
// Commands that a project gives itself: a file in management/commands/ (Django, and flask-script's
// commands/), a function that Flask's command line knows by a name. Pure.

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "preflight/rules/rule.h"

namespace ecluse::preflight {

/// Makes accounts or other rows.
bool makes_rows(const Call& call);

using CommandNames = std::set<std::string, std::less<>>;

/// Names of those that make rows, and of those that bring the schema up to date.
CommandNames seeding_commands(const Subject& subject);
CommandNames migrating_commands(const Subject& subject);

/// `python manage.py NAME`, `flask NAME`, where NAME is one of these: that part of the line.
std::optional<std::string_view> called_command(std::string_view line, const CommandNames& names);

}  // namespace ecluse::preflight
