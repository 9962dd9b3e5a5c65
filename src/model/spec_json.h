#pragma once
// JSON of the model: what state files hold and the API shows. Unknown fields are ignored on read;
// names and durations as in style.md (durations end in _ms).

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/release.h"

namespace ecluse::model {

void to_json(nlohmann::json& out, const Artifact& artifact);
void to_json(nlohmann::json& out, const Commit& commit);
void to_json(nlohmann::json& out, const EnvironmentSpec& spec);
void to_json(nlohmann::json& out, const Release& release);

/// These throw nlohmann's exceptions or std::invalid_argument on wrong types.
void from_json(const nlohmann::json& in, Artifact& artifact);
void from_json(const nlohmann::json& in, Commit& commit);
void from_json(const nlohmann::json& in, EnvironmentSpec& spec);
void from_json(const nlohmann::json& in, Release& release);

/// One line of JSON text, and back; Invalid says what is wrong with it.
std::string to_text(const Release& release);
Result<Release> release_from_text(std::string_view text);
std::string to_text(const EnvironmentSpec& spec);
Result<EnvironmentSpec> environment_spec_from_text(std::string_view text);

}  // namespace ecluse::model
