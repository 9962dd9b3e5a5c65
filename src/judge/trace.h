#pragma once
// The file formats of `ecluse judge`: objectives, one event a line, one answer. docs/judge.md.

#include <string>
#include <string_view>

#include "base/result.h"
#include "judge/judge.h"

namespace ecluse::judge {

constexpr std::size_t kObjectivesMax = 32;

/// {"alpha": 0.01, "beta": 0.05, "max_ratio": 3, "abort_when": ["errors > 5%", ...]}; absent fields
/// have their defaults, unknown ones are Invalid. The message names the field and what was
/// expected.
Result<Objectives> parse_objectives(std::string_view json);

/// One line: {"t": 12.5, "arm": "canary", "weight": 0.1, "client": "c17", "error": false,
/// "latency_s": 0.08, "crashed": false}. `client`, `crashed` and `t` may be absent; unknown fields
/// are ignored, so that a log with more in it can be piped in.
Result<Request> parse_event(std::string_view line);

/// The answer as JSON text on one line.
std::string to_json(const Verdict& verdict);

std::string_view to_string(Ruling ruling);

}  // namespace ecluse::judge
