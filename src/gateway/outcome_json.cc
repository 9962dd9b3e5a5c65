#include "gateway/outcome_json.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

namespace ecluse::gateway {

namespace {
using nlohmann::json;
using ports::Outcome;
using ports::OutcomeBatch;
using ports::OutcomeCursor;

struct StateName {
  Outcome::State state;
  std::string_view name;
};
constexpr auto kStates = std::to_array<StateName>({
    {Outcome::State::kPending, "pending"},
    {Outcome::State::kOk, "ok"},
    {Outcome::State::kError, "error"},
    {Outcome::State::kCrashed, "crashed"},
    {Outcome::State::kLeft, "left"},
});

/// A word that is not known stands for the least that can be said.
Outcome::State state_of(const std::string& name) {
  const auto* const found = std::ranges::find(kStates, name, &StateName::name);
  return found == kStates.end() ? Outcome::State::kLeft : found->state;
}

json record(const Outcome& outcome) {
  return {{"arrival", outcome.arrival},
          {"release", outcome.release},
          {"weight_ppm", outcome.weight_ppm},
          {"client", outcome.client},
          {"state", std::ranges::find(kStates, outcome.state, &StateName::state)->name},
          {"probe", outcome.probe},
          {"arrived_ms", outcome.arrived_ms},
          {"latency_ms", outcome.latency_ms}};
}

Outcome outcome_of(const json& j) {
  return {.arrival = j.at("arrival"),
          .release = j.at("release"),
          .weight_ppm = j.at("weight_ppm"),
          .client = j.at("client"),
          .state = state_of(j.at("state")),
          .probe = j.at("probe"),
          .arrived_ms = j.at("arrived_ms"),
          .latency_ms = j.at("latency_ms")};
}
}  // namespace

json to_json(const OutcomeCursor& cursor) {
  return {{"epoch", cursor.epoch}, {"position", cursor.position}};
}
OutcomeCursor cursor_from_json(const json& j) {
  return {j.value("epoch", ""), j.value("position", std::uint64_t{0})};
}

json to_json(const OutcomeBatch& batch) {
  json outcomes = json::array();
  for (const Outcome& outcome : batch.outcomes) outcomes.push_back(record(outcome));
  return {{"next", to_json(batch.next)},
          {"now_ms", batch.now_ms},
          {"lost", batch.lost},
          {"thinned", batch.thinned},
          {"outcomes", std::move(outcomes)}};
}

OutcomeBatch batch_from_json(const json& j) {
  OutcomeBatch batch;
  batch.next = cursor_from_json(j.at("next"));
  batch.now_ms = j.at("now_ms");
  batch.lost = j.at("lost");
  batch.thinned = j.value("thinned", std::uint64_t{0});
  for (const json& outcome : j.at("outcomes")) batch.outcomes.push_back(outcome_of(outcome));
  return batch;
}

}  // namespace ecluse::gateway
