#pragma once
// Node's servers for whoever writes the program: they watch the source, compile it at each request
// and tell visitors of errors. Pure.

#include "preflight/rules/rule.h"

namespace ecluse::preflight {

/// Images and production's services that start one (`nodemon app.js`, `vite`, `next dev`), and a
/// package.json whose `start` does and that nothing else starts.
Findings development_servers(const Subject& subject);

}  // namespace ecluse::preflight
