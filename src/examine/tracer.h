#pragma once
// Scripts that are laid beside an examined instance: what they see of it they write into the same
// folder.

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "base/result.h"
#include "preflight/started/observation.h"

namespace ecluse::examine {

/// Writes the scripts into `folder`.
Result<void> write_scripts(const std::filesystem::path& folder);
/// Adds the variables with which Python and Node load them; `inside` is the folder as the instance
/// sees it.
void add_tracing(std::map<std::string, std::string>& environment, const std::string& inside);
/// The variables that the traced processes read; "*": all of them at once. Empty: no traced process
/// ran.
std::set<std::string> variables_read(const std::filesystem::path& folder);

/// The databases of the Prisma clients that the traced processes made.
void take_answers_given(const std::filesystem::path& folder, preflight::Observations& seen);

/// The command that asks the app for its databases, to be run like one of its own.
std::string asking_command(const std::string& inside);
/// Takes the answer out of one line of its output.
void take_answer(std::string_view line, preflight::Observations& seen);

}  // namespace ecluse::examine
