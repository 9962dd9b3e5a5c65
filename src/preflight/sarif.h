#pragma once
// Findings as SARIF 2.1.0 (OASIS Static Analysis Results Interchange Format), for those who show
// them beside the code. Pure.

#include <string>
#include <string_view>

#include "preflight/facts/repository.h"
#include "preflight/rules/finding.h"

namespace ecluse::preflight {

/// One run with every rule; a result for each finding, accepted ones as suppressed; what could not
/// be looked at as notifications. Levels: block and major are errors, warn a warning, info a note.
/// Lines without columns: ours count bytes, and the format has only UTF-16 units and code points.
std::string report_sarif(const Findings& findings, const Repository& repository,
                         std::string_view version);

}  // namespace ecluse::preflight
