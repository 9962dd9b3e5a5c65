#pragma once
// The judge of a live rollout: requests arrive first and end later, in any order, some never.
//
// Fed in the order of completion a healthy canary whose errors are quicker than its answers looks
// bad. So a request enters at its arrival, and until it ended it is what harms the claim most:
//   rollback by a share (A)      an open canary request is a success, or slow once it is too old
//   rollback by comparing (B, C) the same; and only up to the first stable request that is still
//                                open and young, so that the stable arm's errors are in
//   promotion                    an open canary request is an error, and nothing behind it counts
// The judge proper gets the settled front of the queue for good; what lies behind the first open
// request is tried on a copy of its claims, each time something telling happened.
//
// Pure: time is an argument, on the clock of the arrivals. Not thread-safe.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "judge/judge.h"

namespace ecluse::judge {

enum class Standing : std::uint8_t {
  kOpen,
  kOk,
  kError,
  kCrashed,  ///< an error whose instance died with it
  kLeft,     ///< the client went away first: neither a success nor an error
};

/// One request as it is known now. Told again when more is known.
struct Case {
  std::uint64_t number = 0;  ///< in the order of arrival
  Arm arm = Arm::kStable;
  double weight = 0;
  std::optional<std::uint64_t> client;
  Standing standing = Standing::kOpen;
  std::uint64_t arrived_ms = 0;
  Duration latency{};  ///< of one that ended
};

class Docket {
 public:
  static constexpr std::size_t kCasesMax = 16'384;  ///< the oldest is closed for more
  /// An open request older than this is a stream or lost: closed as if it stayed open for ever.
  static constexpr Duration kPatience = std::chrono::seconds(120);
  /// Comparisons wait so long for a stable request to end.
  static constexpr Duration kStablePatience = std::chrono::seconds(5);

  explicit Docket(const Objectives& objectives) : judge_(objectives) {}

  /// What was told of a number before is replaced; what was closed stays as it is.
  void tell(const Case& told);
  /// As the judge's.
  void thin(std::uint64_t requests) { judge_.thin(requests); }
  void miss_some() { judge_.miss_some(); }
  /// Whoever kept the open requests is gone, and they with it: nobody will say how they ended.
  void forget_open();

  /// A verdict, at the first call that finds it. A promotion may be followed by a rollback: the
  /// judge stays armed while the old release is warm. A rollback is the last word.
  std::optional<Verdict> rule(std::uint64_t now_ms);
  /// Where things stand, open requests included.
  Verdict so_far(std::uint64_t now_ms) const;
  Claims claims(std::uint64_t now_ms) const;

  std::size_t waiting() const { return cases_.size(); }
  const Judge& judge() const { return judge_; }

 private:
  friend std::string to_text(const Docket& docket);
  friend Result<Docket> docket_from_text(const Objectives& objectives, std::string_view text);

  struct Entry {
    Case known;
    Draw draw = Draw::kFirstEver;
  };
  Unit unit_of(const Entry& entry, std::uint64_t now_ms) const;
  void close_front(std::uint64_t now_ms);
  void close_first(std::uint64_t now_ms);
  std::deque<Entry>::iterator place_of(std::uint64_t number);
  bool tells(const Entry& entry) const;
  bool something_tells(std::uint64_t now_ms) const;
  Claims tried(std::uint64_t now_ms) const;
  std::optional<Ruling> ruling(const Claims& entered) const;

  Judge judge_;
  std::deque<Entry> cases_;
  std::uint64_t closed_ = 0;   ///< every number up to here
  std::uint64_t telling_ = 0;  ///< of `cases_`: ended, on the canary, and not well
  std::optional<Verdict> made_;
};

/// The whole docket as JSON text; equal dockets are equal text.
std::string to_text(const Docket& docket);
/// Goes on exactly where `text` was written. Invalid: it is no such text, or was written under
/// other objectives.
Result<Docket> docket_from_text(const Objectives& objectives, std::string_view text);

}  // namespace ecluse::judge
