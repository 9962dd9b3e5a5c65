#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "control/trial.h"
#include "judge/forecast.h"
#include "judge/verdict_json.h"

namespace ecluse::control {

namespace {
using Json = nlohmann::json;

double seconds(Duration d) {
  return static_cast<double>(d.count()) / 1000;
}
Duration duration_of(const Json& seconds) {
  return Duration(static_cast<std::int64_t>(seconds.get<double>() * 1000 + 0.5));
}

Json arm_record(const judge::ArmCount& count, double p50_ms, double p95_ms) {
  return {{"requests", count.requests},
          {"errors", count.errors},
          {"p50_ms", p50_ms},
          {"p95_ms", p95_ms}};
}

Json to_record(const TrialPoint& p) {
  return {{"at_s", seconds(p.at)},
          {"weight", p.weight},
          {"canary", arm_record(p.canary, p.canary_p50_ms, p.canary_p95_ms)},
          {"stable", arm_record(p.stable, p.stable_p50_ms, p.stable_p95_ms)},
          {"worse", p.worse},
          {"harmless", p.harmless}};
}

judge::ArmCount count_of(const Json& arm) {
  return {arm.at("requests").get<std::uint64_t>(), arm.at("errors").get<std::uint64_t>()};
}

TrialPoint point_from(const Json& record) {
  const Json& canary = record.at("canary");
  const Json& stable = record.at("stable");
  return {.at = duration_of(record.at("at_s")),
          .weight = record.at("weight").get<double>(),
          .canary = count_of(canary),
          .stable = count_of(stable),
          .canary_p50_ms = canary.at("p50_ms").get<double>(),
          .canary_p95_ms = canary.at("p95_ms").get<double>(),
          .stable_p50_ms = stable.at("p50_ms").get<double>(),
          .stable_p95_ms = stable.at("p95_ms").get<double>(),
          .worse = record.at("worse").get<double>(),
          .harmless = record.at("harmless").get<double>()};
}

Json to_record(const judge::Latencies& latencies) {
  return latencies.counts();
}

void restore(judge::Latencies& latencies, const Json& counts) {
  latencies.counts() = counts.get<std::array<std::uint64_t, judge::Latencies::kBuckets>>();
  latencies.recount();
}

/// How much longer the proof takes that nothing is wrong; null where it cannot be said.
Json still_needed(const judge::Docket& docket, const judge::Claims& claims, double weight,
                  const TrialPoint& now) {
  const auto requests = judge::requests_to_promotion(claims, docket.judge().tally(), weight);
  const double rate =
      seconds(now.at) > 0 ? static_cast<double>(now.canary.requests) / seconds(now.at) : 0;
  const bool known = requests && docket.judge().clients().may_prove_harmless();
  return {{"canary_requests", known ? Json(*requests) : Json()},
          {"seconds", known && rate > 0 ? Json(static_cast<double>(*requests) / rate) : Json()}};
}
}  // namespace

std::string Trial::picture() const {
  Json points = Json::array();
  for (const TrialPoint& point : points_) points.push_back(to_record(point));
  Json verdicts = Json::array();
  for (const auto& [at, verdict] : verdicts_) {
    verdicts.push_back({{"at_s", seconds(at)}, {"verdict", judge::to_record(verdict)}});
  }
  const judge::Claims claims = docket_.claims(gateway_ms_);
  const Json needed = points_.empty() ? Json{{"canary_requests", Json()}, {"seconds", Json()}}
                                      : still_needed(docket_, claims, weight_, points_.back());
  return Json{{"rollout", rollout_},
              {"release", release_},
              {"weight", weight_},
              {"so_far", judge::to_record(so_far())},
              {"verdicts", std::move(verdicts)},
              {"rollback_at", claims.rollback_at()},
              {"promote_at", claims.promote_at()},
              {"still_needed", needed},
              {"open", docket_.waiting()},
              {"lost", lost_},
              {"thinned", tally().thinned},
              {"points", std::move(points)}}
      .dump();
}

std::string Trial::to_text() const {
  return Json{{"began_ms", ms_of(began_)},
              {"cursor", {{"epoch", cursor_.epoch}, {"position", cursor_.position}}},
              {"gateway_ms", gateway_ms_},
              {"thinned_before", thinned_before_},
              {"every_s", seconds(every_)},
              {"latencies", {to_record(canary_), to_record(stable_)}},
              {"docket", Json::parse(judge::to_text(docket_))},
              {"picture", Json::parse(picture())}}
      .dump();
}

std::string Trial::closing_text() const {
  return fmt::format(R"({{"picture":{}}})", picture());
}

Result<std::string> picture_in(std::string_view stored) {
  const Json record = Json::parse(stored, nullptr, false);
  const auto picture = record.is_object() ? record.find("picture") : record.end();
  if (picture == record.end()) return fail(ErrorKind::kInternal, "not a stored trial");
  return picture->dump();
}

Result<Trial> Trial::from_text(std::string rollout, model::ReleaseNumber release,
                               const judge::Objectives& objectives, std::string_view text) try {
  const Json record = Json::parse(text);
  const Json& picture = record.at("picture");
  if (picture.at("rollout") != rollout || picture.at("release") != release) {
    return fail(ErrorKind::kInvalid, fmt::format("the stored trial is not of {}", rollout));
  }
  Trial trial(std::move(rollout), release, objectives,
              time_at(record.at("began_ms").get<std::int64_t>()));
  ECLUSE_ASSIGN(trial.docket_, judge::docket_from_text(objectives, record.at("docket").dump()));
  trial.cursor_ = {record.at("cursor").at("epoch").get<std::string>(),
                   record.at("cursor").at("position").get<std::uint64_t>()};
  trial.gateway_ms_ = record.at("gateway_ms").get<std::uint64_t>();
  trial.thinned_before_ = record.value("thinned_before", std::uint64_t{0});
  trial.lost_ = picture.at("lost").get<std::uint64_t>();
  trial.weight_ = picture.at("weight").get<double>();
  trial.every_ = duration_of(record.at("every_s"));
  restore(trial.canary_, record.at("latencies").at(0));
  restore(trial.stable_, record.at("latencies").at(1));
  for (const Json& point : picture.at("points")) trial.points_.push_back(point_from(point));
  for (const Json& made : picture.at("verdicts")) {
    ECLUSE_ASSIGN(auto verdict, judge::verdict_from_record(made.at("verdict")));
    trial.verdicts_.emplace_back(duration_of(made.at("at_s")), std::move(verdict));
  }
  return trial;
} catch (const Json::exception& e) {
  return fail(ErrorKind::kInvalid, fmt::format("not a stored trial: {}", e.what()));
}

}  // namespace ecluse::control
