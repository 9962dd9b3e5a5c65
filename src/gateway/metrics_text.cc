#include "gateway/metrics_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>

namespace ecluse::gateway {

namespace {
constexpr auto kStandardBoundsUs =
    std::to_array<double>({5e3, 10e3, 25e3, 50e3, 100e3, 250e3, 500e3, 1e6, 2.5e6, 5e6, 10e6});

class Writer {
 public:
  explicit Writer(MetricsForm form) : form_(form) {}

  /// `name` without "_total", which samples of a counter end with.
  void family(std::string_view name, std::string_view type, std::string_view help) {
    // Prometheus' own text names a counter as its samples are named.
    const bool has_suffix = type == "counter" && form_ == MetricsForm::kPrometheus;
    const std::string_view suffix = has_suffix ? "_total" : "";
    add("# HELP {0}{1} {3}\n# TYPE {0}{1} {2}\n", name, suffix, type, help);
  }
  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
  }
  std::string finish() {
    if (form_ == MetricsForm::kOpenMetrics) text_ += "# EOF\n";
    return std::move(text_);
  }

 private:
  MetricsForm form_;
  std::string text_;
};

/// Sites are named by [a-z0-9-] and a slash: nothing of a label must be escaped.
std::string labels_of(const MeasuredRelease& measured) {
  return fmt::format("site=\"{}\",release=\"{}\"", measured.site, measured.release);
}

using CountOf = std::function<std::uint64_t(const MeasuredRelease&)>;
void write_counter(Writer& out, const MeasuredGateway& measured, std::string_view name,
                   std::string_view help, const CountOf& count) {
  out.family(name, "counter", help);
  for (const MeasuredRelease& release : measured.releases) {
    out.add("{}_total{{{}}} {}\n", name, labels_of(release), count(release));
  }
}
void write_gauge(Writer& out, const MeasuredGateway& measured, std::string_view name,
                 std::string_view help, const CountOf& count) {
  out.family(name, "gauge", help);
  for (const MeasuredRelease& release : measured.releases) {
    out.add("{}{{{}}} {}\n", name, labels_of(release), count(release));
  }
}

void write_histogram(Writer& out, const MeasuredRelease& release) {
  std::vector<double> bounds(kStandardBoundsUs.begin(), kStandardBoundsUs.end());
  bounds.insert(bounds.end(), release.bounds_us.begin(), release.bounds_us.end());
  std::ranges::sort(bounds);
  const auto repeated = std::ranges::unique(bounds);
  bounds.erase(repeated.begin(), repeated.end());
  const std::string labels = labels_of(release);
  constexpr std::string_view kName = "ecluse_request_duration_seconds";
  for (const double us : bounds) {
    out.add("{}_bucket{{{},le=\"{}\"}} {}\n", kName, labels, us / 1e6,
            release.latencies.count_up_to(us));
  }
  const std::uint64_t count = release.latencies.count();
  out.add("{}_bucket{{{},le=\"+Inf\"}} {}\n", kName, labels, count);
  out.add("{}_sum{{{}}} {}\n", kName, labels,
          static_cast<double>(release.latencies.sum_us()) / 1e6);
  out.add("{}_count{{{}}} {}\n", kName, labels, count);
}
}  // namespace

MetricsForm form_for(std::string_view accept) {
  return accept.find("application/openmetrics-text") != std::string_view::npos
             ? MetricsForm::kOpenMetrics
             : MetricsForm::kPrometheus;
}

std::string_view content_type_of(MetricsForm form) {
  return form == MetricsForm::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

std::string metrics_text(const MeasuredGateway& measured, MetricsForm form) {
  Writer out(form);
  write_counter(out, measured, "ecluse_requests", "Requests given to a release, each attempt.",
                [](const auto& release) { return release.counters.requests; });
  write_counter(out, measured, "ecluse_request_errors", "Requests the app answered with 5xx.",
                [](const auto& release) { return release.counters.errors_5xx; });
  write_counter(out, measured, "ecluse_request_failures",
                "Requests without a usable answer: refused, reset, truncated, too late.",
                [](const auto& release) { return release.counters.failures; });
  write_gauge(out, measured, "ecluse_requests_in_flight", "Requests under way, with WebSockets.",
              [](const auto& release) { return release.counters.in_flight; });
  write_gauge(out, measured, "ecluse_websockets", "WebSockets that are open.",
              [](const auto& release) { return release.counters.websockets; });
  out.family("ecluse_request_duration_seconds", "histogram",
             "From the head of a request to the last byte of its answer, of answers that ended.");
  for (const MeasuredRelease& release : measured.releases) write_histogram(out, release);
  out.family("ecluse_bound_hits", "counter", "How often a bound of the gateway was hit.");
  for (const auto& [name, hits] : measured.bound_hits) {
    out.add("ecluse_bound_hits_total{{bound=\"{}\"}} {}\n", name, hits);
  }
  return out.finish();
}

}  // namespace ecluse::gateway
