#pragma once
// The canary judge: looks at every request and says rollback, promote, or nothing yet. Pure; one
// value per rollout; the order of calls is the order in which the requests arrived. Here every
// request has ended; docket.h is for live ones.
//
// Why each part is as it is stands in docs/judge.md.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "judge/claims.h"
#include "judge/clients.h"
#include "judge/verdict.h"

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

class Judge {
 public:
  explicit Judge(const Objectives& objectives) : claims_(objectives) {}

  /// The verdict, at the request that makes it; afterwards and before nothing. After a verdict the
  /// judge goes on counting, so that evidence can be shown while the old release is warm.
  std::optional<Verdict> observe(const Request& request);

  /// Where things stand: kInconclusive unless a verdict was made.
  Verdict so_far() const;

  // The parts of observe(), for requests that end later than they arrive.

  /// A request arrives: says what it is among those of its client.
  Draw arrive(Arm arm, double weight, const std::optional<std::uint64_t>& client);
  /// Requests enter in the order of their arrival.
  void enter(Unit unit, const std::optional<std::uint64_t>& client);
  void enter_still_open(Unit unit, const std::optional<std::uint64_t>& client);
  void count_error(Arm arm);
  /// So many requests were not told of so far: whole units, chosen before anybody knew what became
  /// of them, so that the rest is a fair sample.
  void thin(std::uint64_t requests);
  /// Of some requests nobody will tell.
  void miss_some() { clients_.miss_some(); }
  /// Promotes when that is proven by what entered; rolls back likewise.
  std::optional<Ruling> ruling() const;

  const Claims& claims() const { return claims_; }
  const Clients& clients() const { return clients_; }
  const Tally& tally() const { return tally_; }

 private:
  friend std::string to_text(const Judge& judge);
  friend Result<Judge> judge_from_text(const Objectives& objectives, std::string_view text);

  bool is_first_error(const Unit& unit, const std::optional<std::uint64_t>& client);

  Claims claims_;
  Clients clients_;
  Tally tally_;
  std::uint32_t stage_ = 0;
  double stage_weight_ = -1;
  std::optional<Verdict> made_;
};

/// The whole judge as JSON text; equal judges are equal text.
std::string to_text(const Judge& judge);
/// Goes on exactly where `text` was written. Invalid: it is no such text, or was written under
/// other objectives.
Result<Judge> judge_from_text(const Objectives& objectives, std::string_view text);

}  // namespace ecluse::judge
