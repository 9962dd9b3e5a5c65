#pragma once
// Findings as one page a team can read: no script, nothing fetched. Pure.

#include <string>
#include <string_view>

#include "preflight/facts/repository.h"
#include "preflight/rules/finding.h"

namespace ecluse::preflight {

/// HTML, the gravest first, each rule explained once above its findings. `title`: of what, when.
std::string report_page(const Findings& findings, const Repository& repository,
                        std::string_view title);

}  // namespace ecluse::preflight
