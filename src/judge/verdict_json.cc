#include "judge/verdict_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace ecluse::judge {

namespace {
using Json = nlohmann::json;

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

Ruling ruling_of(const std::string& text) {
  for (const Ruling ruling : {Ruling::kRollback, Ruling::kPromote}) {
    if (text == to_string(ruling)) return ruling;
  }
  return Ruling::kInconclusive;
}

ArmCount count_from(const Json& record) {
  return {record.at("requests").get<std::uint64_t>(), record.at("errors").get<std::uint64_t>()};
}

Evidence evidence_from(const Json& record) {
  return {.claim = record.at("claim").get<std::string>(),
          .e_value = record.at("e_value").get<double>(),
          .threshold = record.at("threshold").get<double>(),
          .units = record.at("units").get<std::uint64_t>(),
          .bad = record.at("bad").get<std::uint64_t>()};
}
}  // namespace

Json to_record(const Verdict& verdict) {
  Json evidence = Json::array();
  for (const Evidence& one : verdict.evidence) evidence.push_back(to_record(one));
  return Json{{"verdict", to_string(verdict.ruling)},
              {"at_event", verdict.at_event},
              {"canary_requests", verdict.canary.requests},
              {"e_value", verdict.e_value},
              {"threshold", verdict.threshold},
              {"objective", verdict.objective},
              {"reason", verdict.reason},
              {"evidence", evidence},
              {"canary", to_record(verdict.canary)},
              {"stable", to_record(verdict.stable)},
              {"error_difference",
               {{"low", verdict.error_difference.low}, {"high", verdict.error_difference.high}}}};
}

std::string to_json(const Verdict& verdict) {
  return to_record(verdict).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Verdict> verdict_from_record(const Json& record) try {
  Verdict verdict{.ruling = ruling_of(record.at("verdict").get<std::string>()),
                  .at_event = record.at("at_event").get<std::uint64_t>(),
                  .canary = count_from(record.at("canary")),
                  .stable = count_from(record.at("stable")),
                  .e_value = record.at("e_value").get<double>(),
                  .threshold = record.at("threshold").get<double>(),
                  .objective = record.at("objective").get<std::string>(),
                  .reason = record.at("reason").get<std::string>()};
  for (const Json& one : record.at("evidence")) verdict.evidence.push_back(evidence_from(one));
  const Json& difference = record.at("error_difference");
  verdict.error_difference = {difference.at("low").get<double>(),
                              difference.at("high").get<double>()};
  return verdict;
} catch (const Json::exception& e) {
  return fail(ErrorKind::kInvalid, fmt::format("not a verdict: {}", e.what()));
}

}  // namespace ecluse::judge
