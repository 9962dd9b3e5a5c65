#pragma once
// What the judge saw of one rollout, as the API tells it (docs/judge.md): read once, shown as a few
// lines in a terminal, as a report, and as a page.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/terminal.h"

namespace ecluse::cli {

struct ArmPicture {
  std::uint64_t requests = 0, errors = 0;
  double p50_ms = 0, p95_ms = 0;
};

struct PointPicture {
  double at_s = 0, weight = 0;
  ArmPicture canary, stable;
  double worse = 0, harmless = 0;
};

struct EvidencePicture {
  std::string claim;
  double e_value = 0, threshold = 0;
  std::uint64_t units = 0, bad = 0;
};

struct VerdictPicture {
  double at_s = 0;
  std::string verdict, objective, reason;
  std::uint64_t canary_requests = 0;
  double difference_low = 0, difference_high = 0;
  std::vector<EvidencePicture> evidence;
};

struct TrialPicture {
  std::string rollout;
  std::uint32_t release = 0;
  VerdictPicture so_far;
  std::vector<VerdictPicture> verdicts;  ///< in the order they were made
  double rollback_at = 0, promote_at = 0;
  std::optional<std::uint64_t> requests_needed;
  std::optional<double> seconds_needed;
  std::uint64_t lost = 0;
  std::uint64_t thinned = 0;  ///< requests that came too quickly to be recorded one by one
  std::vector<PointPicture> points;
};

/// Internal: the daemon's answer is none.
Result<TrialPicture> trial_picture(std::string_view json);

/// What people must know of a picture that is of a sample.
std::string sample_words(std::uint64_t thinned);
/// A few lines that are redrawn while one watches.
std::vector<std::string> watch_lines(const Terminal& terminal, const TrialPicture& picture);
/// The whole report as text.
std::string report_text(const Terminal& terminal, const TrialPicture& picture);
/// The same as one HTML page that loads nothing from anywhere.
std::string report_page(const TrialPicture& picture);

}  // namespace ecluse::cli
