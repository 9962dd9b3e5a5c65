#pragma once
// A rollout as people read it.

#include <string>
#include <vector>

#include "cli/terminal.h"
#include "control/operations.h"

namespace ecluse::cli {

/// "deploy lettings/prod@12 (release 7, commit 1a2b3c4d) by alice"
std::string headline(const control::RolloutView& rollout);
/// "done", "aborted", "serving, baking", "waiting": one or two words.
std::string state_of(const control::RolloutView& rollout);

/// A gate is closed until somebody says `ecluse approve`; queued behind another rollout is none.
bool waits_for_person(const control::RolloutView& rollout);

/// One line per stage, for a region that is redrawn.
std::vector<std::string> stage_lines(const Terminal& terminal, const control::RolloutView& rollout);
/// "build: done in 1.5s (reused sha256:ab12)"; for where lines cannot be redrawn.
std::string plain_stage(const control::StageView& stage);

/// Everything that is known of a failed start: what was probed, the exit code, the ports, the last
/// lines, the likely reason and the next step.
void print_failure(const Terminal& terminal, const control::RolloutView& rollout);

std::string short_commit(const std::string& commit);
/// "2026-01-02 03:04:05" in UTC.
std::string short_time(WallTime time);
/// "5 MB"
std::string short_bytes(std::uint64_t bytes);

}  // namespace ecluse::cli
