#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/html.h"
#include "cli/trial_picture.h"

namespace ecluse::cli {

namespace {
constexpr double kWidth = 720;
constexpr double kHeight = 200;
constexpr double kMargin = 46;

constexpr std::string_view kStyle = R"(<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#1b1f24;background:#fff}
table{border-collapse:collapse}td,th{padding:.2em .9em .2em 0;text-align:right}td:first-child,th:first-child{text-align:left}
svg{max-width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:#59636e}svg path{fill:none}
.axis{stroke:#d1d9e0}
.canary{stroke:#bc4c00;stroke-width:2}.stable{stroke:#0969da;stroke-width:2}.limit{stroke:#cf222e;stroke-dasharray:5 4}
.rollback{color:#cf222e}.promote{color:#1a7f37}.c{color:#bc4c00}.s{color:#0969da}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}svg text{fill:#9198a1}.axis{stroke:#3d444d}}
</style>)";

using Figure = std::function<double(const PointPicture&)>;

/// One plot over time: lines, and a dashed limit where there is one.
class Plot {
 public:
  Plot(const TrialPicture& picture, double top) : picture_(picture), top_(top) {
    end_s_ = picture.points.empty() ? 1 : std::max(1.0, picture.points.back().at_s);
  }

  void line(std::string_view kind, const Figure& figure) {
    std::string path;
    for (const PointPicture& point : picture_.points) {
      path +=
          fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x(point.at_s), y(figure(point)));
    }
    if (!path.empty()) body_ += fmt::format("<path class=\"{}\" d=\"{}\"/>", kind, path);
  }
  void limit(double value, std::string_view name) {
    body_ += fmt::format(
        "<path class=\"limit\" d=\"M{0} {1:.1f}H{2}\"/><text x=\"{3}\" y=\"{4:.1f}\">{5}</text>",
        kMargin, y(value), kWidth, kMargin + 6, y(value) - 4, html_escaped(name));
  }
  void mark(double value, std::string_view name) {
    body_ += fmt::format("<text x=\"0\" y=\"{:.1f}\">{}</text>", y(value) + 4, html_escaped(name));
  }
  std::string svg(std::string_view title) const {
    return fmt::format(
        "<h2>{0}</h2><svg viewBox=\"0 0 {1} {2}\" width=\"{1}\" height=\"{2}\" role=\"img\" "
        "aria-label=\"{0}\"><path class=\"axis\" d=\"M{3} 0V{4}H{1}\"/><text x=\"{3}\" "
        "y=\"{2}\">0 s</text><text x=\"{5}\" y=\"{2}\">{6:.0f} s</text>{7}</svg>\n",
        html_escaped(title), kWidth, kHeight + 18, kMargin, kHeight, kWidth - 50, end_s_, body_);
  }

 private:
  double x(double at_s) const { return kMargin + (kWidth - kMargin) * at_s / end_s_; }
  double y(double value) const {
    return kHeight - (kHeight - 14) * std::clamp(value / top_, 0.0, 1.0);
  }

  const TrialPicture& picture_;
  double top_;
  double end_s_;
  std::string body_;
};

double error_share(const ArmPicture& arm) {
  if (arm.requests == 0) return 0;
  return static_cast<double>(arm.errors) / static_cast<double>(arm.requests);
}

double on_log_scale(double evidence) {
  return evidence <= 1 ? 0 : std::log10(evidence);
}

std::string evidence_plot(const TrialPicture& picture) {
  const double top = std::log10(std::max(picture.rollback_at, picture.promote_at)) * 1.1;
  Plot plot(picture, top);
  plot.line("canary", [](const auto& p) { return on_log_scale(p.worse); });
  plot.line("stable", [](const auto& p) { return on_log_scale(p.harmless); });
  plot.limit(on_log_scale(picture.rollback_at), "rolls back");
  plot.limit(on_log_scale(picture.promote_at), "promotes");
  for (int power = 0; power <= static_cast<int>(top); ++power) {
    plot.mark(power, fmt::format("{}", std::pow(10, power)));
  }
  return plot.svg("Evidence, against the canary and for it") +
         "<p><span class=\"c\">against it</span>, <span class=\"s\">for it</span>; what is at most "
         "1 says nothing.</p>\n";
}

std::string errors_plot(const TrialPicture& picture) {
  double most = 0.01;
  for (const auto& p : picture.points) {
    most = std::max({most, error_share(p.canary), error_share(p.stable)});
  }
  Plot plot(picture, most);
  plot.line("canary", [](const auto& p) { return error_share(p.canary); });
  plot.line("stable", [](const auto& p) { return error_share(p.stable); });
  plot.mark(most, fmt::format("{:.2g} %", 100 * most));
  return plot.svg("Share of requests that failed, up to then");
}

std::string latency_plot(const TrialPicture& picture) {
  double most = 1;
  for (const auto& p : picture.points) most = std::max({most, p.canary.p95_ms, p.stable.p95_ms});
  Plot plot(picture, most);
  plot.line("canary", [](const auto& p) { return p.canary.p95_ms; });
  plot.line("stable", [](const auto& p) { return p.stable.p95_ms; });
  plot.mark(most, fmt::format("{:.0f} ms", most));
  return plot.svg("95 % of requests took at most");
}

std::string weight_plot(const TrialPicture& picture) {
  Plot plot(picture, 1);
  plot.line("canary", [](const auto& p) { return p.weight; });
  plot.mark(1, "100 %");
  return plot.svg("Share of the traffic");
}

std::string arm_row(std::string_view kind, std::string_view name, const ArmPicture& arm) {
  return fmt::format(
      "<tr><td class=\"{}\">{}</td><td>{}</td><td>{} ({:.2g} %)</td><td>{:.0f} ms</td><td>{:.0f} "
      "ms</td></tr>\n",
      kind, name, arm.requests, arm.errors, 100 * error_share(arm), arm.p50_ms, arm.p95_ms);
}

std::string arms_table(const TrialPicture& picture) {
  if (picture.points.empty()) return "<p>No request came.</p>\n";
  const PointPicture& now = picture.points.back();
  return "<table><tr><th></th><th>requests</th><th>errors</th><th>p50</th><th>p95</th></tr>\n" +
         arm_row("c", "canary", now.canary) + arm_row("s", "stable", now.stable) + "</table>\n";
}

std::string verdict_part(const VerdictPicture& made) {
  std::string rows;
  for (const EvidencePicture& one : made.evidence) {
    rows +=
        fmt::format("<tr><td>{}</td><td>{:.3g}</td><td>{:.3g}</td><td>{}</td><td>{}</td></tr>\n",
                    html_escaped(one.claim), one.e_value, one.threshold, one.units, one.bad);
  }
  return fmt::format(
      "<h2 class=\"{0}\">{0} after {1:.0f} s and {2} canary requests</h2>\n<p>{3}.</p>\n"
      "<p>Errors, canary minus stable: {4:+.2f} % to {5:+.2f} % (95 %).</p>\n"
      "<table><tr><th>claim</th><th>evidence</th><th>decides at</th><th>requests</th><th>bad</th>"
      "</tr>\n{6}</table>\n",
      html_escaped(made.verdict), made.at_s, made.canary_requests, html_escaped(made.reason),
      100 * made.difference_low, 100 * made.difference_high, rows);
}
}  // namespace

std::string report_page(const TrialPicture& picture) {
  const std::string title = fmt::format("{}: release {} before the judge",
                                        html_escaped(picture.rollout), picture.release);
  std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\">\n<title>{0}</title>\n{1}\n<h1>{0}</h1>\n",
      title, kStyle);
  page += arms_table(picture);
  for (const VerdictPicture& made : picture.verdicts) page += verdict_part(made);
  if (picture.verdicts.empty()) page += verdict_part(picture.so_far);
  page +=
      evidence_plot(picture) + errors_plot(picture) + latency_plot(picture) + weight_plot(picture);
  if (picture.lost > 0) {
    page += fmt::format("<p>{} requests were not heard of: they count for neither.</p>\n",
                        picture.lost);
  }
  if (picture.thinned > 0) page += fmt::format("<p>{}.</p>\n", sample_words(picture.thinned));
  return page + "</html>\n";
}

}  // namespace ecluse::cli
