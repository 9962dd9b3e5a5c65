#pragma once
// The canary judge: looks at every request and says rollback, promote, or nothing yet. Pure; one
// value per rollout; the order of calls is the order in which the requests arrived.
//
// Why each part is as it is stands in docs/judge.md.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "judge/block_claim.h"
#include "judge/clients.h"
#include "judge/interval.h"
#include "judge/objective.h"
#include "judge/ratio_claim.h"
#include "judge/share_claim.h"
#include "judge/split_claim.h"

namespace ecluse::judge {

/// One request and how it ended.
struct Request {
  Arm arm = Arm::kStable;
  double weight = 0;  ///< the canary's share of new units when this one was assigned
  std::optional<std::uint64_t> client;  ///< absent: the request is a unit of its own
  bool error = false;
  bool crashed = false;  ///< it died with its instance
  Duration latency{};
};

enum class Ruling { kRollback, kPromote, kInconclusive };

struct Evidence {
  std::string claim;        ///< "errors > 5%", "not 3x worse than stable"
  double e_value = 1;       ///< how far the data speak for the claim
  double threshold = 0;     ///< the e-value at which it alone decides
  std::uint64_t units = 0;  ///< of the canary that entered the test
  std::uint64_t bad = 0;
};

struct ArmCount {
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
};

struct Verdict {
  Ruling ruling = Ruling::kInconclusive;
  std::uint64_t at_event = 0;  ///< counts from 1
  ArmCount canary;
  ArmCount stable;
  std::string objective;  ///< what decided; empty when nothing did
  std::string reason;     ///< one sentence for people
  std::vector<Evidence> evidence;
  Interval error_difference;  ///< canary minus stable, 95 %
};

class Judge {
 public:
  explicit Judge(Objectives objectives);

  /// The verdict, at the request that makes it; afterwards and before nothing. After a verdict the
  /// judge goes on counting, so that evidence can be shown while the old release is warm.
  std::optional<Verdict> observe(const Request& request);

  /// Where things stand: kInconclusive unless a verdict was made.
  Verdict so_far() const;

 private:
  struct Held {
    Objective objective;
    std::optional<ShareClaim> share;  ///< all but kRelative
    std::optional<RatioClaim> ratio;  ///< kRelative
    std::optional<BlockClaim> block;  ///< kRelative with ratio 1
    double value(bool weights_hold) const;
    double stake() const;
  };

  void count(const Request& request);
  void draw(const Request& request);
  void add_error(const Request& request);
  static bool is_bad(const Objective& objective, const Request& request);
  double stakes() const;
  double worse_evidence() const;
  const Held* strongest() const;
  bool may_promote() const;
  std::optional<Ruling> ruling() const;
  Verdict verdict(Ruling ruling) const;
  std::string sentence(Ruling ruling) const;

  Objectives objectives_;
  std::vector<Held> held_;
  RatioClaim harmless_;
  SplitClaim split_;
  Clients clients_;
  ArmCount canary_;
  ArmCount stable_;
  std::uint64_t events_ = 0;
  std::uint32_t stage_ = 0;
  double stage_weight_ = -1;
  std::optional<Verdict> made_;
};

}  // namespace ecluse::judge
