#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "judge/docket.h"
#include "judge/verdict_json.h"

namespace ecluse::judge {

namespace {
using Json = nlohmann::json;

Json to_record(const Case& known, Draw draw) {
  return Json::array({known.number, static_cast<int>(known.arm), known.weight,
                      known.client ? Json(*known.client) : Json(), static_cast<int>(known.standing),
                      known.arrived_ms, known.latency.count(), static_cast<int>(draw)});
}

template <typename Enum>
Enum enum_from(const Json& record, Enum last) {
  const int value = record.get<int>();
  if (value < 0 || value > static_cast<int>(last))
    throw Json::out_of_range::create(401, fmt::format("no such case: {}", value), &record);
  return static_cast<Enum>(value);
}

Case case_from(const Json& record) {
  Case known{.number = record.at(0).get<std::uint64_t>(),
             .arm = enum_from(record.at(1), Arm::kCanary),
             .weight = record.at(2).get<double>(),
             .client = {},
             .standing = enum_from(record.at(4), Standing::kLeft),
             .arrived_ms = record.at(5).get<std::uint64_t>(),
             .latency = Duration(record.at(6).get<std::int64_t>())};
  if (!record.at(3).is_null()) known.client = record.at(3).get<std::uint64_t>();
  return known;
}
}  // namespace

std::string to_text(const Docket& docket) {
  Json cases = Json::array();
  for (const auto& [known, draw] : docket.cases_) cases.push_back(to_record(known, draw));
  return Json{{"judge", Json::parse(to_text(docket.judge_))},
              {"cases", std::move(cases)},
              {"closed", docket.closed_},
              {"made", docket.made_ ? to_record(*docket.made_) : Json()}}
      .dump();
}

Result<Docket> docket_from_text(const Objectives& objectives, std::string_view text) try {
  const Json record = Json::parse(text);
  Docket docket(objectives);
  ECLUSE_ASSIGN(docket.judge_, judge_from_text(objectives, record.at("judge").dump()));
  const Json& cases = record.at("cases");
  if (cases.size() > Docket::kCasesMax) {
    return fail(ErrorKind::kInvalid, "more open requests are stored than a docket holds");
  }
  for (const Json& one : cases) {
    docket.cases_.push_back({case_from(one), enum_from(one.at(7), Draw::kUnsampled)});
    docket.telling_ += docket.tells(docket.cases_.back()) ? 1 : 0;
  }
  docket.closed_ = record.at("closed").get<std::uint64_t>();
  if (record.at("made").is_object()) {
    ECLUSE_ASSIGN(docket.made_, verdict_from_record(record.at("made")));
  }
  return docket;
} catch (const Json::exception& e) {
  return fail(ErrorKind::kInvalid, fmt::format("not a stored docket: {}", e.what()));
}

}  // namespace ecluse::judge
