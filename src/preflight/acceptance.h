#pragma once
// What people have accepted of an audit: comments beside the line, and a baseline of what was there
// when an old project began to be audited. Pure.

#include <string>
#include <string_view>

#include "preflight/facts/repository.h"
#include "preflight/rules/finding.h"

namespace ecluse::preflight {

/// The baseline's name at the top of a repository. Format: docs/check.md.
constexpr std::string_view kBaselineFile = ".ecluse-baseline";

/// Marks what is accepted. What blocks is not accepted that way.
void accept(Findings& findings, const Repository& repository);

/// The text of a baseline of all that stands and does not block.
std::string baseline_of(const Findings& findings);

}  // namespace ecluse::preflight
