#pragma once
// What check found, for people and for programs. Pure.

#include <string>

#include "preflight/facts/repository.h"
#include "preflight/rules/finding.h"

namespace ecluse::preflight {

/// One paragraph a finding: place, rule, evidence, why, fix; then what could not be looked at, and
/// a line that counts.
std::string report_text(const Findings& findings, const Repository& repository);
/// {"findings": [{rule, severity, path, line, column, evidence, because, accepted, why, fix}],
/// "obstacles":
/// [{path, what}]}
std::string report_json(const Findings& findings, const Repository& repository);
/// The page of one rule: what it finds, why it matters, how to mend it; "" for an unknown id.
std::string explain_rule(std::string_view id);
/// Does anything here stop a deploy?
bool blocks(const Findings& findings);

}  // namespace ecluse::preflight
