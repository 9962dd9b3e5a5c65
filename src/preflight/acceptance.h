#pragma once
// What people have accepted of an audit: waivers of ecluse.yml, comments beside the line, and a
// baseline of what was there when an old project began to be audited. Pure.

#include <span>
#include <string>
#include <string_view>

#include "model/spec.h"
#include "preflight/facts/repository.h"
#include "preflight/rules/finding.h"

namespace ecluse::preflight {

/// The baseline's name at the top of a repository. Format: docs/check.md.
constexpr std::string_view kBaselineFile = ".ecluse-baseline";

/// Marks what is accepted on `today` ("2026-11-21"). What blocks is accepted by a waiver alone; a
/// waiver that has run out is said in `because`.
void accept(Findings& findings, const Repository& repository,
            std::span<const model::WaiverSpec> waivers, std::string_view today);

/// The text of a baseline of all that stands and does not block.
std::string baseline_of(const Findings& findings);

/// The findings that stop a deploy, a line each.
std::vector<std::string> blocking_lines(const Findings& findings);
/// {"counts": {severity: n}, "findings": [{rule, severity, path, line, evidence, accepted}]}, the
/// gravest kKeptFindingsMax of them.
std::string release_report(const Findings& findings);
constexpr std::size_t kKeptFindingsMax = 100;

}  // namespace ecluse::preflight
