#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "control/engine.h"
#include "model/fields.h"
#include "pipeline/fields.h"
#include "rollout/state_json.h"

namespace ecluse::control {

namespace {
/// A Record without the rollout's own form, which is rollout/'s.
template <typename V>
void fields_beside_the_rollout(V& v, Record& x) {
  v("commit", x.commit);
  v("stages", x.stages);
  v("began_ms", x.began);
  v("began_at_ms", x.began_at);
  v("ended_ms", x.ended);
}
}  // namespace

std::string to_text(const Record& record) {
  std::string out;
  json_fields::TextWriter writer{out};
  auto copy = record;
  fields_beside_the_rollout(writer, copy);
  writer("rollout", to_text(record.rollout));
  writer.finish();
  return out;
}

Result<Record> record_from_text(std::string_view text) {
  try {
    const auto in = nlohmann::json::parse(text);
    Record record;
    json_fields::Reader<nlohmann::json> reader{in};
    fields_beside_the_rollout(reader, record);
    ECLUSE_ASSIGN(record.rollout,
                  rollout::rollout_from_text(in.at("rollout").get_ref<const std::string&>()));
    return record;
  } catch (const std::exception& error) {
    return fail(ErrorKind::kInvalid,
                fmt::format("reading the record of a rollout: {}", error.what()));
  }
}

std::string environment_store_key(const model::EnvironmentKey& key) {
  return fmt::format("environment/{}", to_string(key));
}

std::string release_store_key(const model::ReleaseKey& key) {
  return fmt::format("release/{}/{:08}", to_string(key.environment), key.number);
}

std::string rollout_store_key(const RolloutId& id) {
  const auto at = id.rfind('@');
  if (at == std::string::npos) return fmt::format("rollout/{}", id);
  const auto number = id.substr(at + 1);
  return fmt::format("rollout/{}/{:0>8}", id.substr(0, at), number);
}

std::uint64_t number_of(const RolloutId& id) {
  std::uint64_t number = 0;
  const auto at = id.rfind('@');
  if (at != std::string::npos) std::from_chars(id.data() + at + 1, id.data() + id.size(), number);
  return number;
}

std::optional<RolloutId> older_by(std::uint64_t count, const RolloutId& id) {
  const auto number = number_of(id);
  if (number <= count) return std::nullopt;
  return fmt::format("{}@{}", id.substr(0, id.rfind('@')), number - count);
}

Error not_kept(const RolloutId& id, std::string_view what, std::uint64_t next_number,
               std::uint64_t kept) {
  const auto number = number_of(id);
  const bool is_let_go = number > 0 && number + kept < next_number;
  if (!is_let_go)
    return {ErrorKind::kNotFound, fmt::format("there is no rollout {}", printable(id)), {}};
  return {ErrorKind::kNotFound,
          fmt::format("the {} of {} is no longer kept: those of the newest {} rollouts are", what,
                      printable(id), kept),
          "`ecluse events` still tells what happened: the audit log keeps all"};
}

std::string pipeline_store_key(const RolloutId& id) {
  return fmt::format("pipeline/{}", id);
}

model::EnvironmentKey environment_of(const RolloutId& id) {
  return model::parse_environment_key(id.substr(0, id.rfind('@')))
      .value_or(model::EnvironmentKey{});
}

}  // namespace ecluse::control
