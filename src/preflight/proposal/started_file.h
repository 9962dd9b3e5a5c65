#pragma once
// The source files that start commands and FLASK_APP name: what a project says of itself. Pure.

#include <string>
#include <vector>

#include "preflight/proposal/start_lines.h"

namespace ecluse::preflight {

/// Paths, the most trustworthy first: the file of `python run.py`, `python -m shop.main`, `fastapi
/// run app/main.py` or FLASK_APP, and in front of it the module that it hands to its server
/// (`uvicorn.run("shop.api:app")`).
std::vector<std::string> started_files(const Repository& repository, const Stack& stack,
                                       const std::vector<StartLine>& lines);

}  // namespace ecluse::preflight
