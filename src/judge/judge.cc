#include "judge/judge.h"

namespace ecluse::judge {

Draw Judge::arrive(Arm arm, double weight, const std::optional<std::uint64_t>& client) {
  tally_.events += 1;
  (arm == Arm::kCanary ? tally_.canary : tally_.stable).requests += 1;
  if (weight != stage_weight_) {
    stage_weight_ = weight;
    stage_ += 1;
  }
  const Draw drawn = client ? clients_.draw(*client, stage_) : Draw::kFirstEver;
  if (drawn == Draw::kFirstEver) claims_.assign(arm, weight);
  return drawn;
}

bool Judge::is_first_error(const Unit& unit, const std::optional<std::uint64_t>& client) {
  return unit.error && (!client || clients_.first_error(*client));
}

void Judge::enter(Unit unit, const std::optional<std::uint64_t>& client) {
  unit.first_error = is_first_error(unit, client);
  claims_.enter(unit);
}

void Judge::enter_still_open(Unit unit, const std::optional<std::uint64_t>& client) {
  unit.first_error = is_first_error(unit, client);
  claims_.enter_still_open(unit);
}

void Judge::count_error(Arm arm) {
  (arm == Arm::kCanary ? tally_.canary : tally_.stable).errors += 1;
}

void Judge::thin(std::uint64_t requests) {
  tally_.thinned = requests;
  if (requests > 0) clients_.miss_some();
}

std::optional<Verdict> Judge::observe(const Request& request) {
  Unit unit{.arm = request.arm,
            .weight = request.weight,
            .draw = arrive(request.arm, request.weight, request.client),
            .error = request.error,
            .crashed = request.crashed,
            .latency = request.latency};
  if (request.error) count_error(request.arm);
  enter(unit, request.client);
  if (made_ || !claims_.is_telling(unit)) return std::nullopt;
  const auto ruled = ruling();
  if (!ruled) return std::nullopt;
  made_ = verdict_of(*ruled, claims_, tally_);
  return made_;
}

std::optional<Ruling> Judge::ruling() const {
  if (claims_.must_roll_back()) return Ruling::kRollback;
  if (claims_.may_promote() && clients_.may_prove_harmless()) return Ruling::kPromote;
  return std::nullopt;
}

Verdict Judge::so_far() const {
  return made_ ? *made_ : verdict_of(Ruling::kInconclusive, claims_, tally_);
}

}  // namespace ecluse::judge
