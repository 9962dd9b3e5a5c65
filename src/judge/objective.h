#pragma once
// What a canary is held to: plain values, made from `abort_when` of ecluse.yml.

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace ecluse::judge {

enum class Metric {
  kErrors,    ///< share of requests answered with an error
  kLatency,   ///< share of requests slower than `latency_max`; "p95 > 2s" allows 5 % of them
  kCrashes,   ///< share of requests that died with their instance
  kRelative,  ///< errors, compared with the stable arm's
};

struct Objective {
  std::string text;  ///< as written: "errors > 5%"
  Metric metric = Metric::kErrors;
  double share_max = 0;    ///< of bad requests, in (0, 1); not for kRelative
  Duration latency_max{};  ///< kLatency only
  double ratio_max = 1;    ///< kRelative only: "errors > 2x stable" is 2
};

struct Objectives {
  static constexpr std::size_t kMax = 32;

  double alpha = 0.01;  ///< bound on ever rolling back a release that meets all of them
  double beta = 0.05;  ///< bound on ever promoting one that errs max_ratio times as often as stable
  double max_ratio = 3;  ///< above 1
  std::vector<Objective> abort_when;
};

/// The objectives that `abort_when` of ecluse.yml names. Invalid: the message names the condition,
/// the hint the forms it takes; also when there are more than Objectives::kMax.
Result<std::vector<Objective>> objectives_of(const std::vector<std::string>& abort_when);

}  // namespace ecluse::judge
