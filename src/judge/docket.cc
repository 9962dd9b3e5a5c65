#include "judge/docket.h"

#include <algorithm>
#include <set>

namespace ecluse::judge {

namespace {
bool is_error(Standing standing) {
  return standing == Standing::kError || standing == Standing::kCrashed;
}

Duration age_of(const Case& open, std::uint64_t now_ms) {
  return Duration(now_ms > open.arrived_ms ? now_ms - open.arrived_ms : 0);
}
}  // namespace

/// Numbers come nearly always one after the other, so the place is where counting says.
std::deque<Docket::Entry>::iterator Docket::place_of(std::uint64_t number) {
  if (cases_.empty() || number > cases_.back().known.number) return cases_.end();
  const std::uint64_t guess = number - std::min(number, cases_.front().known.number);
  if (guess < cases_.size() && cases_[guess].known.number == number) {
    return cases_.begin() + static_cast<std::ptrdiff_t>(guess);
  }
  return std::ranges::lower_bound(cases_, number, {},
                                  [](const Entry& entry) { return entry.known.number; });
}

void Docket::tell(const Case& told) {
  if (told.number <= closed_) return;
  auto place = place_of(told.number);
  const bool is_new = place == cases_.end() || place->known.number != told.number;
  if (is_new) {
    place = cases_.insert(place, {told, judge_.arrive(told.arm, told.weight, told.client)});
  } else if (place->known.standing == Standing::kOpen) {
    place->known.standing = told.standing;
    place->known.latency = told.latency;
  } else {
    return;
  }
  if (is_error(told.standing)) judge_.count_error(place->known.arm);
  telling_ += tells(*place) ? 1 : 0;
  if (cases_.size() > kCasesMax) close_first(told.arrived_ms);
}

void Docket::forget_open() {
  for (Entry& entry : cases_) {
    if (entry.known.standing == Standing::kOpen) entry.known.standing = Standing::kLeft;
  }
  while (!cases_.empty()) close_first(0);
  closed_ = 0;  // the next numbers are another keeper's, who counts from one
}

Unit Docket::unit_of(const Entry& entry, std::uint64_t now_ms) const {
  const Case& known = entry.known;
  const bool open = known.standing == Standing::kOpen;
  return {.arm = known.arm,
          .weight = known.weight,
          .draw = entry.draw,
          .error = is_error(known.standing),
          .crashed = known.standing == Standing::kCrashed,
          .latency = open                                ? age_of(known, now_ms)
                     : known.standing == Standing::kLeft ? Duration::zero()
                                                         : known.latency};
}

void Docket::close_first(std::uint64_t now_ms) {
  const Entry& first = cases_.front();
  closed_ = first.known.number;
  telling_ -= tells(first) ? 1 : 0;
  const Unit unit = unit_of(first, now_ms);
  if (first.known.standing == Standing::kOpen) {
    judge_.enter_still_open(unit, first.known.client);
  } else {
    judge_.enter(unit, first.known.client);
  }
  cases_.pop_front();
}

void Docket::close_front(std::uint64_t now_ms) {
  while (!cases_.empty()) {
    const Case& first = cases_.front().known;
    if (first.standing == Standing::kOpen && age_of(first, now_ms) < kPatience) return;
    close_first(now_ms);
  }
}

/// Evidence against the canary grows by its own bad requests alone: those that ended so...
bool Docket::tells(const Entry& entry) const {
  return entry.known.arm == Arm::kCanary && entry.known.standing != Standing::kOpen &&
         judge_.claims().is_telling(unit_of(entry, 0));
}

/// ... and those that are open for too long, which lie in front.
bool Docket::something_tells(std::uint64_t now_ms) const {
  if (telling_ > 0) return true;
  for (const auto& [known, draw] : cases_) {
    if (age_of(known, now_ms) <= judge_.claims().shortest_limit()) return false;
    if (known.arm == Arm::kCanary && known.standing == Standing::kOpen) return true;
  }
  return false;
}

Claims Docket::tried(std::uint64_t now_ms) const {
  Claims claims = judge_.claims();
  std::set<std::uint64_t> erring;  // clients, besides those the judge knows
  bool stable_is_in = true;
  for (const Entry& entry : cases_) {
    const Case& known = entry.known;
    Unit unit = unit_of(entry, now_ms);
    claims.enter_shares(unit);
    const bool awaited = known.arm == Arm::kStable && known.standing == Standing::kOpen &&
                         age_of(known, now_ms) < kStablePatience;
    stable_is_in = stable_is_in && !awaited;
    if (!stable_is_in) continue;
    unit.first_error =
        unit.error && (!known.client || (!judge_.clients().has_erred(*known.client) &&
                                         erring.insert(*known.client).second));
    claims.enter_comparisons(unit);
  }
  return claims;
}

std::optional<Ruling> Docket::ruling(const Claims& entered) const {
  if (entered.must_roll_back()) return Ruling::kRollback;
  const bool promoted = made_.has_value();
  if (!promoted && judge_.ruling() == Ruling::kPromote) return Ruling::kPromote;
  return std::nullopt;
}

std::optional<Verdict> Docket::rule(std::uint64_t now_ms) {
  close_front(now_ms);
  if (made_ && made_->ruling == Ruling::kRollback) return std::nullopt;
  const Claims claims = something_tells(now_ms) ? tried(now_ms) : judge_.claims();
  const auto ruled = ruling(claims);
  if (!ruled) return std::nullopt;
  made_ = verdict_of(*ruled, claims, judge_.tally());
  return made_;
}

Verdict Docket::so_far(std::uint64_t now_ms) const {
  if (made_) return *made_;
  return verdict_of(Ruling::kInconclusive, tried(now_ms), judge_.tally());
}

Claims Docket::claims(std::uint64_t now_ms) const {
  return tried(now_ms);
}

}  // namespace ecluse::judge
