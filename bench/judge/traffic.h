#pragma once
// Simulated rollouts: who came, how each request ended, and what the judge said of it.

#include <cstdint>
#include <string>
#include <vector>

#include "base/prng.h"
#include "judge/docket.h"

namespace ecluse::bench {

/// How error rates move over a run; its time goes from 0 to 1.
enum class Shape { kSteady, kIncident, kDayCurve };
/// Which requests end when.
enum class Pace {
  kAtOnce,        ///< in the order of arrival, as in a trace
  kErrorsFaster,  ///< errors after 5 ms, answers after 1.5 s
  kErrorsSlower,  ///< errors after 1.9 s, answers after 20 ms
};
enum class Users {
  kAnonymous,  ///< each request is a unit of its own
  kClustered,  ///< sticky clients of 20 requests; half of all errors belong to a few broken ones
};

struct Traffic {
  double weight = 0.1;
  double canary_errors = 0.01;
  double stable_errors = 0.01;
  double per_second = 2;
  double seconds = 3600;
  std::uint64_t requests_max = 12'000;  ///< a run ends then, whatever its time
  Shape shape = Shape::kSteady;
  Pace pace = Pace::kAtOnce;
  Users users = Users::kAnonymous;
  double canary_slow = 0;  ///< share of the canary's requests that take 3 s

  std::uint64_t requests() const;
};

/// Requests of one run, one after the other. `traffic` outlives it.
class Source {
 public:
  Source(const Traffic& traffic, Prng& prng);
  judge::Request next();
  bool over() const { return sent_ >= all_; }
  /// Of the newest request, from the start of the run.
  double seconds() const { return static_cast<double>(sent_ - 1) / traffic_.per_second; }
  std::uint64_t number() const { return sent_; }

 private:
  double error_rate(judge::Arm arm) const;
  void next_client();

  const Traffic& traffic_;
  Prng& prng_;
  std::uint64_t all_;
  std::uint64_t sent_ = 0;
  std::uint64_t client_ = 0;
  judge::Arm client_arm_ = judge::Arm::kStable;
  bool client_is_broken_ = false;
};

/// What the judge says of one run, live or in order as the traffic's pace wants.
judge::Verdict play(const Traffic& traffic, const judge::Objectives& objectives, Prng& prng);

judge::Objectives objectives(const std::vector<std::string>& abort_when);
/// The four of the example: errors, slowness, crashes, comparison.
judge::Objectives usual_objectives();

}  // namespace ecluse::bench
