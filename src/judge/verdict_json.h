#pragma once
// A verdict as JSON: the answer of `ecluse judge`, what is stored and what the API shows.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "judge/verdict.h"

namespace ecluse::judge {

/// On one line.
std::string to_json(const Verdict& verdict);
nlohmann::json to_record(const Verdict& verdict);
/// Invalid names the field that is missing or of another type. Unknown fields are ignored.
Result<Verdict> verdict_from_record(const nlohmann::json& record);

}  // namespace ecluse::judge
