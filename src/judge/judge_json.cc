#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "judge/judge.h"
#include "judge/verdict_json.h"

namespace ecluse::judge {

namespace {
using Json = nlohmann::json;
constexpr int kVersion = 1;

/// What the stored numbers mean depends on the objectives and on nothing else.
Json terms_of(const Objectives& objectives) {
  Json texts = Json::array();
  for (const Objective& objective : objectives.abort_when) texts.push_back(objective.text);
  return {{"version", kVersion},
          {"alpha", objectives.alpha},
          {"beta", objectives.beta},
          {"max_ratio", objectives.max_ratio},
          {"abort_when", texts}};
}

struct Collect {
  Json numbers = Json::array();
  void operator()(double number) { numbers.push_back(number); }
  void operator()(std::uint64_t number) { numbers.push_back(number); }
};

struct Restore {
  const Json& numbers;
  std::size_t next = 0;
  void operator()(double& number) { number = numbers.at(next++).get<double>(); }
  void operator()(std::uint64_t& number) { number = numbers.at(next++).get<std::uint64_t>(); }
};

Json numbers_of(Claims claims) {
  Collect collect;
  claims.each_number(collect);
  return std::move(collect.numbers);
}

void restore(Claims& claims, const Json& numbers) {
  Restore restore{numbers};
  claims.each_number(restore);
  if (restore.next != numbers.size()) throw Json::other_error::create(500, "numbers", &numbers);
}

Json to_record(const Clients::Stored& clients) {
  Json seen = Json::array();
  for (const auto& [client, stage] : clients.seen) {
    seen.push_back(client);
    seen.push_back(stage);
  }
  return {{"halvings", clients.halvings},
          {"seen", std::move(seen)},
          {"erring", clients.erring},
          {"overflowed", clients.overflowed},
          {"missed", clients.missed}};
}

Clients::Stored clients_from(const Json& record) {
  Clients::Stored stored{.halvings = record.at("halvings").get<std::uint32_t>(),
                         .erring = record.at("erring").get<std::vector<std::uint64_t>>(),
                         .overflowed = record.at("overflowed").get<bool>(),
                         .missed = record.value("missed", false)};
  const Json& seen = record.at("seen");
  for (std::size_t i = 0; i < seen.size(); i += 2) {
    stored.seen.push_back({seen.at(i).get<std::uint64_t>(), seen.at(i + 1).get<std::uint32_t>()});
  }
  return stored;
}

Json to_record(const Tally& tally) {
  return Json::array({tally.events, tally.canary.requests, tally.canary.errors,
                      tally.stable.requests, tally.stable.errors, tally.thinned});
}

Tally tally_from(const Json& record) {
  const auto at = [&](std::size_t i) { return record.at(i).get<std::uint64_t>(); };
  return {at(0), {at(1), at(2)}, {at(3), at(4)}, record.size() > 5 ? at(5) : 0};
}
}  // namespace

std::string to_text(const Judge& judge) {
  return Json{{"terms", terms_of(judge.claims_.objectives())},
              {"numbers", numbers_of(judge.claims_)},
              {"clients", to_record(judge.clients_.stored())},
              {"tally", to_record(judge.tally_)},
              {"stage", judge.stage_},
              {"stage_weight", judge.stage_weight_},
              {"made", judge.made_ ? to_record(*judge.made_) : Json()}}
      .dump();
}

Result<Judge> judge_from_text(const Objectives& objectives, std::string_view text) try {
  const Json record = Json::parse(text);
  if (record.at("terms") != terms_of(objectives)) {
    return fail(ErrorKind::kInvalid, "the stored judge was held to other objectives");
  }
  Judge judge(objectives);
  restore(judge.claims_, record.at("numbers"));
  ECLUSE_ASSIGN(judge.clients_, Clients::restored(clients_from(record.at("clients"))));
  judge.tally_ = tally_from(record.at("tally"));
  judge.stage_ = record.at("stage").get<std::uint32_t>();
  judge.stage_weight_ = record.at("stage_weight").get<double>();
  if (record.at("made").is_object()) {
    ECLUSE_ASSIGN(judge.made_, verdict_from_record(record.at("made")));
  }
  return judge;
} catch (const Json::exception& e) {
  return fail(ErrorKind::kInvalid, fmt::format("not a stored judge: {}", e.what()));
}

}  // namespace ecluse::judge
