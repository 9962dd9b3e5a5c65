#pragma once
// An app is run as `sh -c "exec COMMAND"`, so the program that may be missing is the second one.

#include <optional>
#include <string>
#include <vector>

namespace ecluse::runtime {

/// The word after exec, when `argv` is a shell that execs at once: {"/bin/sh","-c","exec gunicorn
/// x"}.
std::optional<std::string> program_behind_shell(const std::vector<std::string>& argv);
/// Whether `pid` runs something else than that shell by now. Not true of one that is just dying.
bool has_left_shell(int pid, const std::vector<std::string>& argv);

}  // namespace ecluse::runtime
