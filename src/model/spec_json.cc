#include "model/spec_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "model/fields.h"

namespace ecluse::model {

using json_fields::decode;
using json_fields::encode;
using nlohmann::json;

void to_json(json& out, const Artifact& artifact) {
  encode(out, artifact);
}
void to_json(json& out, const Commit& commit) {
  encode(out, commit);
}
void to_json(json& out, const EnvironmentSpec& spec) {
  encode(out, spec);
}
void to_json(json& out, const Release& release) {
  encode(out, release);
}

void from_json(const json& in, Artifact& artifact) {
  decode(in, artifact);
}
void from_json(const json& in, Commit& commit) {
  decode(in, commit);
}
void from_json(const json& in, EnvironmentSpec& spec) {
  decode(in, spec);
}
void from_json(const json& in, Release& release) {
  decode(in, release);
}

namespace {
template <typename T>
Result<T> value_of(std::string_view text, std::string_view what) {
  try {
    T value;
    decode(json::parse(text), value);
    return value;
  } catch (const std::exception& error) {
    return fail(ErrorKind::kInvalid, fmt::format("reading {}: {}", what, error.what()));
  }
}
}  // namespace

std::string to_text(const Release& release) {
  return json_fields::text_of(release);
}
Result<Release> release_from_text(std::string_view text) {
  return value_of<Release>(text, "a release");
}
std::string to_text(const EnvironmentSpec& spec) {
  return json_fields::text_of(spec);
}
Result<EnvironmentSpec> environment_spec_from_text(std::string_view text) {
  return value_of<EnvironmentSpec>(text, "an environment");
}

}  // namespace ecluse::model
