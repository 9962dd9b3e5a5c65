#pragma once
#include <deque>
#include <string>

#include "base/result.h"

namespace ecluse::artifact {

/// Why a build's command failed, from its exit code and its last lines: the kind, one sentence with
/// those lines quoted, and what to do next. Pure.
Error explain_failure(int exit_code, const std::deque<std::string>& last_lines);

}  // namespace ecluse::artifact
