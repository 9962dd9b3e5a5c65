#pragma once
// Node's servers for whoever writes the program: they watch the source, compile it at each request
// and tell visitors of errors. Pure.

#include <string_view>

#include "preflight/rules/rule.h"

namespace ecluse::preflight {

/// `nodemon app.js`, `vite`, `next dev`, of a line of shell in which scripts were followed.
bool starts_development_server(std::string_view line);

/// Images and production's services that start one, and a package.json whose `start` does and that
/// nothing else starts.
Findings development_servers(const Subject& subject);

}  // namespace ecluse::preflight
