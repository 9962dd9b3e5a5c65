#pragma once
#include <deque>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ecluse::artifact {

/// Is this a line that explain_failure() knows the meaning of?
bool is_telling(std::string_view line);

/// Why a build's command failed, from its exit code and its last lines: the kind, one sentence with
/// those lines quoted, and what to do next. Pure.
Error explain_failure(int exit_code, const std::deque<std::string>& last_lines);

}  // namespace ecluse::artifact
