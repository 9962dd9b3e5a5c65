#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/time.h"
#include "cli/trial_picture.h"

namespace ecluse::cli {

namespace {
constexpr std::size_t kTrendColumns = 24;

std::string words_of(double seconds) {
  return to_string(Duration(static_cast<std::int64_t>(std::round(seconds)) * 1000));
}

std::string share(const ArmPicture& arm) {
  if (arm.requests == 0) return "";
  return fmt::format(" ({:.2g} %)",
                     100.0 * static_cast<double>(arm.errors) / static_cast<double>(arm.requests));
}

std::string arm_line(std::string_view name, const ArmPicture& arm) {
  return fmt::format("  {:8} {:>10} {:>18} {:>10} {:>10}", name, arm.requests,
                     fmt::format("{}{}", arm.errors, share(arm)),
                     fmt::format("{:.0f} ms", arm.p50_ms), fmt::format("{:.0f} ms", arm.p95_ms));
}

/// How far evidence is on its way from 1 to its threshold, on a logarithmic scale.
double progress(double e_value, double threshold) {
  if (e_value <= 1 || threshold <= 1) return 0;
  return std::clamp(std::log(e_value) / std::log(threshold), 0.0, 1.0);
}

/// Evidence over time, the newest last.
std::string trend(const Terminal& terminal, const TrialPicture& picture,
                  double PointPicture::* evidence, double threshold) {
  static constexpr std::string_view kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr std::string_view kPlain = "_.,-=+*#";
  const std::size_t count = std::min(kTrendColumns, picture.points.size());
  std::string drawn;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t index = (i + 1) * picture.points.size() / count - 1;
    const double way = progress(picture.points[index].*evidence, threshold);
    const auto level = static_cast<std::size_t>(std::min(7.0, way * 8));
    drawn += terminal.unicode ? std::string(kBlocks[level]) : std::string(1, kPlain[level]);
  }
  return drawn;
}

std::string needed_line(const TrialPicture& picture) {
  if (picture.so_far.verdict != "inconclusive") return "";
  if (!picture.requests_needed) {
    return picture.thinned > 0 ? "  a sample of people proves nothing good"
                               : "  nobody erred yet: without errors nothing is proven of them";
  }
  const std::string time =
      picture.seconds_needed ? fmt::format(", {}", words_of(*picture.seconds_needed)) : "";
  return fmt::format("  until it is proven good, if it is: about {} canary requests{}",
                     *picture.requests_needed, time);
}

Ink ink_of(const std::string& verdict) {
  if (verdict == "rollback") return Ink::kBad;
  return verdict == "promote" ? Ink::kGood : Ink::kDim;
}

std::vector<std::string> arms(const TrialPicture& picture) {
  if (picture.points.empty()) return {"  no request has come yet"};
  const PointPicture& now = picture.points.back();
  return {fmt::format("  {:8} {:>10} {:>18} {:>10} {:>10}", "", "requests", "errors", "p50", "p95"),
          arm_line("canary", now.canary), arm_line("stable", now.stable)};
}

std::vector<std::string> evidence(const Terminal& terminal, const TrialPicture& picture) {
  if (picture.points.empty()) return {};
  const PointPicture& now = picture.points.back();
  return {fmt::format("  against it {:.3g} of {:.0f}  {}", now.worse, picture.rollback_at,
                      trend(terminal, picture, &PointPicture::worse, picture.rollback_at)),
          fmt::format("  for it     {:.3g} of {:.0f}  {}", now.harmless, picture.promote_at,
                      trend(terminal, picture, &PointPicture::harmless, picture.promote_at))};
}

std::vector<std::string> joined(std::vector<std::string> one, const std::vector<std::string>& two) {
  one.insert(one.end(), two.begin(), two.end());
  return one;
}

std::string verdict_text(const Terminal& terminal, const VerdictPicture& made) {
  std::string text = fmt::format("{} after {} and {} canary requests{}\n  {}\n",
                                 terminal.paint(ink_of(made.verdict), made.verdict),
                                 words_of(made.at_s), made.canary_requests,
                                 made.objective.empty() ? "" : ": " + made.objective, made.reason);
  text += fmt::format("  errors, canary minus stable: {:+.2f} % to {:+.2f} % (95 %)\n",
                      100 * made.difference_low, 100 * made.difference_high);
  text += fmt::format("  {:32} {:>12} {:>10} {:>10} {:>8}\n", "claim", "evidence", "decides at",
                      "requests", "bad");
  for (const EvidencePicture& one : made.evidence) {
    text += fmt::format("  {:32} {:>12.3g} {:>10.3g} {:>10} {:>8}\n", one.claim, one.e_value,
                        one.threshold, one.units, one.bad);
  }
  return text;
}
}  // namespace

std::string sample_words(std::uint64_t thinned) {
  return fmt::format("{} more requests came too quickly to be recorded: these are a fair sample",
                     thinned);
}

std::vector<std::string> watch_lines(const Terminal& terminal, const TrialPicture& picture) {
  const double weight = picture.points.empty() ? 0 : picture.points.back().weight;
  std::vector<std::string> lines = {fmt::format(
      "  the judge: {}, {:g} % of the traffic",
      terminal.paint(ink_of(picture.so_far.verdict), picture.so_far.verdict), 100 * weight)};
  lines = joined(std::move(lines), arms(picture));
  lines = joined(std::move(lines), evidence(terminal, picture));
  if (picture.thinned > 0) lines.push_back("  " + sample_words(picture.thinned));
  if (const auto needed = needed_line(picture); !needed.empty()) lines.push_back(needed);
  return lines;
}

std::string report_text(const Terminal& terminal, const TrialPicture& picture) {
  std::string text = terminal.paint(
      Ink::kBold, fmt::format("{}: release {} before the judge", picture.rollout, picture.release));
  text += "\n";
  for (const auto& line : joined(arms(picture), evidence(terminal, picture))) text += line + "\n";
  if (picture.lost > 0) {
    text += fmt::format("  {} requests were not heard of: they count for neither\n", picture.lost);
  }
  if (picture.thinned > 0) text += "  " + sample_words(picture.thinned) + "\n";
  text += "\n";
  for (const VerdictPicture& made : picture.verdicts) text += verdict_text(terminal, made);
  if (picture.verdicts.empty()) text += verdict_text(terminal, picture.so_far);
  return text;
}

}  // namespace ecluse::cli
