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

void Docket::tell(const Case& told) {
  if (told.number <= closed_) return;
  auto place = std::ranges::lower_bound(cases_, told.number, {},
                                        [](const Entry& entry) { return entry.known.number; });
  const bool is_new = place == cases_.end() || place->known.number != told.number;
  if (is_new) {
    place = cases_.insert(place, {told, judge_.arrive(told.arm, told.weight, told.client)});
    if (is_error(told.standing)) judge_.count_error(told.arm);
    if (cases_.size() > kCasesMax) {
      close(cases_.front(), told.arrived_ms);
      cases_.pop_front();
    }
    return;
  }
  if (place->known.standing != Standing::kOpen) return;
  place->known.standing = told.standing;
  place->known.latency = told.latency;
  if (is_error(told.standing)) judge_.count_error(place->known.arm);
}

void Docket::forget_open() {
  for (Entry& entry : cases_) {
    if (entry.known.standing == Standing::kOpen) entry.known.standing = Standing::kLeft;
  }
  // The next numbers are another keeper's, who counts from one.
  while (!cases_.empty()) {
    close(cases_.front(), 0);
    cases_.pop_front();
  }
  closed_ = 0;
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

void Docket::close(const Entry& entry, std::uint64_t now_ms) {
  closed_ = entry.known.number;
  const Unit unit = unit_of(entry, now_ms);
  if (entry.known.standing == Standing::kOpen) {
    judge_.enter_still_open(unit, entry.known.client);
  } else {
    judge_.enter(unit, entry.known.client);
  }
}

void Docket::close_front(std::uint64_t now_ms) {
  while (!cases_.empty()) {
    const Case& first = cases_.front().known;
    if (first.standing == Standing::kOpen && age_of(first, now_ms) < kPatience) return;
    close(cases_.front(), now_ms);
    cases_.pop_front();
  }
}

/// Evidence against the canary grows by its own bad requests alone.
bool Docket::something_tells(std::uint64_t now_ms) const {
  return std::ranges::any_of(cases_, [&](const Entry& entry) {
    return entry.known.arm == Arm::kCanary && judge_.claims().is_telling(unit_of(entry, now_ms));
  });
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

std::optional<Verdict> Docket::rule(std::uint64_t now_ms) {
  close_front(now_ms);
  if (made_) return std::nullopt;
  if (const auto ruled = judge_.ruling()) {
    made_ = verdict_of(*ruled, judge_.claims(), judge_.tally());
  } else if (something_tells(now_ms)) {
    const Claims claims = tried(now_ms);
    if (claims.must_roll_back()) made_ = verdict_of(Ruling::kRollback, claims, judge_.tally());
  }
  return made_;
}

Verdict Docket::so_far(std::uint64_t now_ms) const {
  if (made_) return *made_;
  return verdict_of(Ruling::kInconclusive, tried(now_ms), judge_.tally());
}

}  // namespace ecluse::judge
