#pragma once
// Everything that is claimed of one canary, as evidence: each objective broken, harmless, arms
// filled as announced. Units enter in the order of their arrival. A value, copied freely (a few
// kilobytes), so that what is not settled yet can be tried on a copy.

#include <cstdint>
#include <optional>
#include <vector>

#include "judge/block_claim.h"
#include "judge/clients.h"
#include "judge/incident.h"
#include "judge/objective.h"
#include "judge/ratio_claim.h"
#include "judge/share_claim.h"
#include "judge/split_claim.h"

namespace ecluse::judge {

enum class Ruling { kRollback, kPromote, kInconclusive };

/// One request, how it ended and what it is among those of its client.
struct Unit {
  Arm arm = Arm::kStable;
  double weight = 0;
  Draw draw = Draw::kFirstEver;
  bool error = false;
  bool first_error = false;  ///< `error`, and its client had none before
  bool crashed = false;
  Duration latency{};
};

/// One objective and the evidence that it is broken.
struct Held {
  Objective objective;
  std::optional<ShareClaim> share;   ///< all but kRelative
  std::optional<Incident> incident;  ///< with `share`
  std::optional<RatioClaim> ratio;   ///< kRelative
  std::optional<BlockClaim> block;   ///< kRelative with ratio 1

  /// The e-value; without `trust` in the weights only what needs none.
  double value(bool trust) const;
  /// Its part of the bound alpha, in proportion to the others'.
  double stake() const;
};

class Claims {
 public:
  /// The bound beta is met with room to spare, for what the null leaves out: a weight that is off
  /// by a few percent, a client that comes with two cookies.
  static constexpr double kPromotionMargin = 1.25;

  explicit Claims(Objectives objectives);

  /// A unit was assigned. The others come in the same order, once they are settled.
  void assign(Arm arm, double weight) { split_.add(arm, weight); }
  void enter(const Unit& unit) {
    enter_shares(unit);
    enter_comparisons(unit);
  }
  void enter_shares(const Unit& unit);
  void enter_comparisons(const Unit& unit);
  /// For promotion an open canary request is an error; for a rollback it is a success.
  void enter_still_open(const Unit& unit);

  /// May a unit like this raise any evidence? Otherwise there is no need to rule.
  bool is_telling(const Unit& unit) const {
    return unit.error || unit.crashed || unit.latency > shortest_limit_;
  }
  /// A slow request is known as such from this age on; a day when no objective is about latency.
  Duration shortest_limit() const { return shortest_limit_; }

  /// That some objective is broken: their weighted mean, an e-value however they depend on each
  /// other (Vovk and Wang, Annals of Statistics 49, 2021).
  double worse() const;
  double rollback_at() const { return 1 / objectives_.alpha; }
  bool must_roll_back() const { return worse() >= rollback_at(); }
  /// That the canary does not err max_ratio times as often as stable: by first requests and by
  /// first errors of clients, the weaker of the two.
  double harmless() const;
  double promote_at() const { return kPromotionMargin / objectives_.beta; }
  /// Not while anything speaks against it, and not by weights that cannot be trusted.
  bool may_promote() const;

  bool comparable() const { return !split_.alarmed(); }
  const Objectives& objectives() const { return objectives_; }
  const std::vector<Held>& held() const { return held_; }
  /// The objective with the largest part in worse(); null when there is none.
  const Held* strongest() const;
  /// The e-value at which `held` alone rolls back.
  double threshold(const Held& held) const;
  double value(const Held& held) const { return held.value(split_.trusted()); }

  /// Every number that changes, in a fixed order, to store and restore it.
  template <typename Visit>
  void each_number(Visit&& visit) {
    for (Held& held : held_) {
      if (held.share) held.share->each_number(visit);
      if (held.incident) held.incident->each_number(visit);
      if (held.ratio) held.ratio->each_number(visit);
      if (held.block) held.block->each_number(visit);
    }
    first_requests_.each_number(visit);
    first_errors_.each_number(visit);
    split_.each_number(visit);
  }

 private:
  Objectives objectives_;
  std::vector<Held> held_;
  double stakes_ = 0;
  Duration shortest_limit_;
  RatioClaim first_requests_;
  RatioClaim first_errors_;
  SplitClaim split_;
};

}  // namespace ecluse::judge
