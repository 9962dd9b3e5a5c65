#include "cli/trial_picture.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace ecluse::cli {

namespace {
using Json = nlohmann::json;

ArmPicture arm_from(const Json& record) {
  return {record.at("requests").get<std::uint64_t>(), record.at("errors").get<std::uint64_t>(),
          record.at("p50_ms").get<double>(), record.at("p95_ms").get<double>()};
}

PointPicture point_from(const Json& record) {
  return {record.at("at_s").get<double>(),  record.at("weight").get<double>(),
          arm_from(record.at("canary")),    arm_from(record.at("stable")),
          record.at("worse").get<double>(), record.at("harmless").get<double>()};
}

EvidencePicture evidence_from(const Json& record) {
  return {record.at("claim").get<std::string>(), record.at("e_value").get<double>(),
          record.at("threshold").get<double>(), record.at("units").get<std::uint64_t>(),
          record.at("bad").get<std::uint64_t>()};
}

VerdictPicture verdict_from(const Json& record, double at_s) {
  VerdictPicture verdict{.at_s = at_s,
                         .verdict = record.at("verdict").get<std::string>(),
                         .objective = record.at("objective").get<std::string>(),
                         .reason = record.at("reason").get<std::string>(),
                         .canary_requests = record.at("canary_requests").get<std::uint64_t>(),
                         .evidence = {}};
  verdict.difference_low = record.at("error_difference").at("low").get<double>();
  verdict.difference_high = record.at("error_difference").at("high").get<double>();
  for (const Json& one : record.at("evidence")) verdict.evidence.push_back(evidence_from(one));
  return verdict;
}

template <typename T>
std::optional<T> known(const Json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<T>());
}
}  // namespace

Result<TrialPicture> trial_picture(std::string_view json) try {
  const Json record = Json::parse(json);
  TrialPicture picture{.rollout = record.at("rollout").get<std::string>(),
                       .release = record.at("release").get<std::uint32_t>(),
                       .so_far = {},
                       .verdicts = {},
                       .rollback_at = record.at("rollback_at").get<double>(),
                       .promote_at = record.at("promote_at").get<double>(),
                       .requests_needed = {},
                       .seconds_needed = {},
                       .lost = record.at("lost").get<std::uint64_t>(),
                       .thinned = record.value("thinned", std::uint64_t{0}),
                       .points = {}};
  for (const Json& point : record.at("points")) picture.points.push_back(point_from(point));
  const double newest = picture.points.empty() ? 0 : picture.points.back().at_s;
  picture.so_far = verdict_from(record.at("so_far"), newest);
  for (const Json& made : record.at("verdicts")) {
    picture.verdicts.push_back(verdict_from(made.at("verdict"), made.at("at_s").get<double>()));
  }
  picture.requests_needed = known<std::uint64_t>(record.at("still_needed").at("canary_requests"));
  picture.seconds_needed = known<double>(record.at("still_needed").at("seconds"));
  return picture;
} catch (const Json::exception& e) {
  return fail(ErrorKind::kInternal, fmt::format("the daemon's answer is no trial: {}", e.what()),
              "are client and daemon of the same version?");
}

}  // namespace ecluse::cli
