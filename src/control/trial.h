#pragma once
// One rollout before the judge: what the gateway said of its requests, the docket, and the picture
// people look at. Batches in, verdicts out; stored whole, together with the cursor, so that each
// outcome counts once whoever crashes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "judge/docket.h"
#include "judge/latencies.h"
#include "model/key.h"
#include "ports/outcomes.h"

namespace ecluse::control {

/// One moment of a trial, from its beginning up to then.
struct TrialPoint {
  Duration at{};  ///< since the trial began
  double weight = 0;
  judge::ArmCount canary, stable;
  double canary_p50_ms = 0, canary_p95_ms = 0, stable_p50_ms = 0, stable_p95_ms = 0;
  double worse = 0;     ///< evidence against the canary
  double harmless = 0;  ///< evidence for it
  bool operator==(const TrialPoint&) const = default;
};

class Trial {
 public:
  /// Points that are kept; when there are more, every second one is let go and the next come half
  /// as often.
  static constexpr std::size_t kPointsMax = 240;

  /// `began` is ecluse time.
  Trial(std::string rollout, model::ReleaseNumber release, const judge::Objectives& objectives,
        TimePoint began);

  /// A verdict, when the batch brings one.
  std::optional<judge::Verdict> hear(const ports::OutcomeBatch& batch, TimePoint now);
  /// Where things stand by the newest batch.
  judge::Verdict so_far() const { return docket_.so_far(gateway_ms_); }

  const std::string& rollout() const { return rollout_; }
  model::ReleaseNumber release() const { return release_; }
  const ports::OutcomeCursor& cursor() const { return cursor_; }
  const std::vector<TrialPoint>& points() const { return points_; }
  /// Requests that were told of, and their errors.
  const judge::Tally& tally() const { return docket_.judge().tally(); }

  /// All there is, to store it; docs/judge.md has the format.
  std::string to_text() const;
  /// The picture alone, in the same form: of a trial that is over nothing else is needed.
  std::string closing_text() const;
  /// What people see of it: the same without the docket. JSON.
  std::string picture() const;
  /// Goes on where `text` was written. Invalid: it is another rollout's, or no such text.
  static Result<Trial> from_text(std::string rollout, model::ReleaseNumber release,
                                 const judge::Objectives& objectives, std::string_view text);

 private:
  void tell(const ports::Outcome& outcome);
  void sketch(const ports::Outcome& outcome);
  void note_point(TimePoint now);
  TrialPoint point_at(TimePoint now) const;

  std::string rollout_;
  model::ReleaseNumber release_;
  TimePoint began_;
  judge::Docket docket_;
  ports::OutcomeCursor cursor_;
  std::uint64_t gateway_ms_ = 0;  ///< the gateway's clock in the newest batch
  std::uint64_t lost_ = 0;
  std::uint64_t thinned_before_ = 0;  ///< by memories of the gateway that are gone
  double weight_ = 0;
  judge::Latencies canary_, stable_;
  std::vector<TrialPoint> points_;
  Duration every_ = std::chrono::seconds(1);  ///< between points
  std::vector<std::pair<Duration, judge::Verdict>> verdicts_;
};

/// The picture in what to_text() wrote.
Result<std::string> picture_in(std::string_view stored);

}  // namespace ecluse::control
