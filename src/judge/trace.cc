#include "judge/trace.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "config/condition.h"

namespace ecluse::judge {

namespace {
using Json = nlohmann::json;

constexpr double kLatencySecondsMax = 86'400;

tl::unexpected<Error> wrong(std::string_view field, std::string_view expected) {
  return fail(ErrorKind::kInvalid, fmt::format("\"{}\" must be {}", field, expected));
}

Result<Json> parse_record(std::string_view text) {
  Json parsed = Json::parse(text, nullptr, false);
  if (parsed.is_object()) return parsed;
  return fail(ErrorKind::kInvalid, fmt::format("not a JSON record: {}", printable(text, 60)));
}

Result<double> number(const Json& record, const char* field, double low, double high) {
  const auto found = record.find(field);
  const bool fits = found != record.end() && found->is_number() && found->get<double>() >= low &&
                    found->get<double>() <= high;
  if (!fits) return wrong(field, fmt::format("a number from {:g} to {:g}", low, high));
  return found->get<double>();
}

Result<void> set_open_share(const Json& record, const char* field, double& into) {
  if (!record.contains(field)) return {};
  ECLUSE_ASSIGN(const double value, number(record, field, 0, 1));
  if (value == 0 || value == 1) return wrong(field, "between 0 and 1, without the ends");
  into = value;
  return {};
}

Objective objective_of(const config::Condition& condition, std::string text) {
  Objective objective{.text = std::move(text)};
  if (condition.times_stable > 0) {
    objective.metric = Metric::kRelative;
    objective.ratio_max = condition.times_stable;
    return objective;
  }
  switch (condition.metric) {
    case config::ConditionMetric::kErrors:
      objective.metric = Metric::kErrors;
      break;
    case config::ConditionMetric::kCrashes:
      objective.metric = Metric::kCrashes;
      break;
    case config::ConditionMetric::kLatency:
      objective.metric = Metric::kLatency;
      break;
  }
  const bool latency = objective.metric == Metric::kLatency;
  objective.share_max = latency ? 1 - condition.quantile : condition.share_max;
  objective.latency_max = condition.latency_max;
  return objective;
}

Result<std::vector<Objective>> parse_abort_when(const Json& list) {
  if (!list.is_array() || list.size() > kObjectivesMax) {
    return wrong("abort_when", fmt::format("a list of at most {} conditions", kObjectivesMax));
  }
  std::vector<Objective> objectives;
  for (const Json& entry : list) {
    if (!entry.is_string()) return wrong("abort_when", "a list of texts like \"errors > 5%\"");
    const auto text = entry.get<std::string>();
    auto condition = config::parse_condition(text);
    if (!condition) {
      return fail(in_context(fmt::format("abort_when \"{}\"", printable(text, 60)),
                             std::move(condition).error()));
    }
    objectives.push_back(objective_of(*condition, text));
  }
  return objectives;
}

Result<void> only_known_fields(const Json& record) {
  static const std::vector<std::string> kKnown = {"alpha", "beta", "max_ratio", "abort_when"};
  for (const auto& [field, value] : record.items()) {
    if (std::ranges::find(kKnown, field) != kKnown.end()) continue;
    const auto near = nearest(field, kKnown);
    return fail(ErrorKind::kInvalid, fmt::format("unknown field \"{}\"", printable(field, 60)),
                near ? fmt::format("did you mean \"{}\"?", *near) : "");
  }
  return {};
}

/// FNV-1a (Fowler, Noll, Vo): only to name a client in a trace that its owner wrote; the gateway's
/// records carry a keyed hash.
std::uint64_t client_of(std::string_view name) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

Result<bool> flag(const Json& record, const char* field, bool required) {
  const auto found = record.find(field);
  if (found == record.end() && !required) return false;
  if (found == record.end() || !found->is_boolean()) return wrong(field, "true or false");
  return found->get<bool>();
}

Result<Arm> arm_of(const Json& record) {
  const std::string name = record.contains("arm") && record["arm"].is_string()
                               ? record["arm"].get<std::string>()
                               : std::string();
  if (name == "canary") return Arm::kCanary;
  if (name == "stable") return Arm::kStable;
  return wrong("arm", "\"canary\" or \"stable\"");
}

Result<std::optional<std::uint64_t>> client_field(const Json& record) {
  const auto found = record.find("client");
  if (found == record.end() || found->is_null()) return std::optional<std::uint64_t>{};
  if (found->is_string()) return client_of(found->get<std::string>());
  if (found->is_number_integer()) return client_of(found->dump());
  return wrong("client", "a text or a whole number");
}

Json to_record(const Evidence& evidence) {
  return {{"claim", evidence.claim},
          {"e_value", evidence.e_value},
          {"threshold", evidence.threshold},
          {"units", evidence.units},
          {"bad", evidence.bad}};
}

Json to_record(const ArmCount& count) {
  return {{"requests", count.requests}, {"errors", count.errors}};
}
}  // namespace

std::string_view to_string(Ruling ruling) {
  switch (ruling) {
    case Ruling::kRollback:
      return "rollback";
    case Ruling::kPromote:
      return "promote";
    case Ruling::kInconclusive:
      return "inconclusive";
  }
  return "inconclusive";
}

Result<Objectives> parse_objectives(std::string_view json) {
  ECLUSE_ASSIGN(const Json record, parse_record(json));
  ECLUSE_TRY(only_known_fields(record));
  Objectives objectives;
  ECLUSE_TRY(set_open_share(record, "alpha", objectives.alpha));
  ECLUSE_TRY(set_open_share(record, "beta", objectives.beta));
  if (record.contains("max_ratio")) {
    ECLUSE_ASSIGN(objectives.max_ratio, number(record, "max_ratio", 1.01, 1000));
  }
  if (record.contains("abort_when")) {
    ECLUSE_ASSIGN(objectives.abort_when, parse_abort_when(record["abort_when"]));
  }
  return objectives;
}

Result<Request> parse_event(std::string_view line) {
  ECLUSE_ASSIGN(const Json record, parse_record(line));
  Request request;
  ECLUSE_ASSIGN(request.arm, arm_of(record));
  ECLUSE_ASSIGN(request.weight, number(record, "weight", 0, 1));
  ECLUSE_ASSIGN(request.client, client_field(record));
  ECLUSE_ASSIGN(request.error, flag(record, "error", true));
  ECLUSE_ASSIGN(request.crashed, flag(record, "crashed", false));
  ECLUSE_ASSIGN(const double latency_s, number(record, "latency_s", 0, kLatencySecondsMax));
  // Rounded up: 2.0001 s is over a limit of 2 s.
  request.latency = Duration(static_cast<std::int64_t>(std::ceil(latency_s * 1000)));
  return request;
}

std::string to_json(const Verdict& verdict) {
  Json evidence = Json::array();
  for (const Evidence& one : verdict.evidence) evidence.push_back(to_record(one));
  return Json{{"verdict", to_string(verdict.ruling)},
              {"at_event", verdict.at_event},
              {"canary_requests", verdict.canary.requests},
              {"objective", verdict.objective},
              {"reason", verdict.reason},
              {"evidence", evidence},
              {"canary", to_record(verdict.canary)},
              {"stable", to_record(verdict.stable)},
              {"error_difference",
               {{"low", verdict.error_difference.low}, {"high", verdict.error_difference.high}}}}
      .dump();
}

}  // namespace ecluse::judge
